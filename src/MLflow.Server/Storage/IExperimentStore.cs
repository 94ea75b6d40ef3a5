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

    /// <summary>Gives an active experiment another name.</summary>
    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is none. INVALID_STATE: it is deleted. RESOURCE_ALREADY_EXISTS: the name is taken.</exception>
    Task RenameAsync(long experimentId, string name, CancellationToken cancellationToken);

    /// <summary>Deletes an active experiment, or restores a deleted one. Its traces stay.</summary>
    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is none, or it is as it shall be.</exception>
    Task SetActiveAsync(long experimentId, bool isActive, CancellationToken cancellationToken);

    /// <summary>Sets a tag, replacing its value.</summary>
    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is no such experiment. INVALID_PARAMETER_VALUE: it is deleted.</exception>
    Task SetTagAsync(long experimentId, string key, string value, CancellationToken cancellationToken);

    /// <summary>Deletes a tag.</summary>
    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is no such experiment or tag. INVALID_PARAMETER_VALUE: the experiment is deleted.</exception>
    Task DeleteTagAsync(long experimentId, string key, CancellationToken cancellationToken);

    /// <summary>A page of experiments, newest first unless the query says otherwise.</summary>
    Task<ExperimentPage> SearchAsync(ExperimentQuery query, CancellationToken cancellationToken);
}
