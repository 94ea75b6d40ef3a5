using MLflow.Server.Experiments;

namespace MLflow.Server.Storage;

/// <summary>Keeps experiments. Experiment 0, <c>Default</c>, exists from the first migration on.</summary>
internal interface IExperimentStore
{
    /// <summary>Creates an experiment and returns it; durable on return.</summary>
    /// <exception cref="MlflowException">RESOURCE_ALREADY_EXISTS: the name is taken, also by a deleted experiment.</exception>
    Task<Experiment> CreateAsync(string name, string? artifactLocation, IReadOnlyDictionary<string, string> tags, CancellationToken cancellationToken);

    /// <summary>The experiment, deleted ones too, or null.</summary>
    Task<Experiment?> GetAsync(long experimentId, CancellationToken cancellationToken);

    /// <summary>The experiment, deleted ones too, or null. Names are case-sensitive.</summary>
    Task<Experiment?> GetByNameAsync(string name, CancellationToken cancellationToken);

    /// <summary>A page of experiments, newest first unless the query says otherwise.</summary>
    Task<ExperimentPage> SearchAsync(ExperimentQuery query, CancellationToken cancellationToken);
}
