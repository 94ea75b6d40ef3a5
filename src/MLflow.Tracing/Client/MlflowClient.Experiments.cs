namespace MLflow;

/// <content>What reads and changes experiments.</content>
public sealed partial class MlflowClient
{
    /// <summary>
    /// Puts traces that begin from now on into this experiment, as <see cref="SetExperiment"/>, and asks the server for it now: it is created when it is missing.
    /// </summary>
    /// <param name="name">At most 500 characters.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InvalidOperationException">The experiment is deleted.</exception>
    /// <exception cref="MlflowException">The server could not be reached, or refused the name.</exception>
    public Task<ExperimentRecord> SetExperimentAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);

        // Here, since an async method undoes what it changes for the flow of its caller.
        Tracer.WatchFlow();
        return ResolveAndSetAsync(name, cancellationToken);
    }

    /// <summary>Creates an experiment.</summary>
    /// <param name="name">At most 500 characters; unique on the server, deleted experiments included.</param>
    /// <param name="artifactLocation">Where its artifacts are to lie. Null: the server decides.</param>
    /// <param name="tags">Keys of at most 250 characters, values of at most 5,000.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The id of the experiment.</returns>
    /// <exception cref="MlflowException">The name is taken (<see cref="MlflowErrorCode.ResourceAlreadyExists"/>), or the server refused or could not be reached.</exception>
    public Task<string> CreateExperimentAsync(
        string name, string? artifactLocation = null, IReadOnlyDictionary<string, string>? tags = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return Experiments().CreateAsync(name, artifactLocation, tags, cancellationToken);
    }

    /// <summary>The experiment of that id, deleted ones too.</summary>
    /// <exception cref="MlflowException">There is none (<see cref="MlflowErrorCode.ResourceDoesNotExist"/>), or the server could not be reached.</exception>
    public Task<ExperimentRecord> GetExperimentAsync(string experimentId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(experimentId);
        return Experiments().GetAsync(experimentId, cancellationToken);
    }

    /// <summary>The experiment of that name, deleted ones too; null where there is none. Names are case-sensitive.</summary>
    /// <exception cref="MlflowException">The server could not be reached, or failed.</exception>
    public Task<ExperimentRecord?> GetExperimentByNameAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return Experiments().FindAsync(name, cancellationToken);
    }

    /// <summary>Searches experiments, page by page as they are read.</summary>
    /// <param name="filter">Conditions joined by <c>AND</c>: <c>name LIKE 'weather%' AND tags.team = 'red' AND creation_time > 1700000000000</c>. Null: all.</param>
    /// <param name="options">Which, in which order, how many.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="MlflowException">While reading: the filter or the order is wrong, or the server could not be reached.</exception>
    public IAsyncEnumerable<ExperimentRecord> SearchExperimentsAsync(string? filter = null, ExperimentSearchOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new ExperimentSearchOptions();
        RequireCount(options.PageSize, 50_000, nameof(ExperimentSearchOptions.PageSize));
        RequireCount(options.MaxResults ?? 1, int.MaxValue, nameof(ExperimentSearchOptions.MaxResults));
        return options.IncludeActive || options.IncludeDeleted
            ? Experiments().SearchAsync(filter, options, cancellationToken)
            : throw new ArgumentException("The search includes neither active nor deleted experiments: set IncludeActive or IncludeDeleted.", nameof(options));
    }

    /// <summary>Gives an experiment another name.</summary>
    /// <exception cref="MlflowException">There is none of that id, it is deleted, the name is taken, or the server could not be reached.</exception>
    public Task RenameExperimentAsync(string experimentId, string newName, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(experimentId);
        ArgumentException.ThrowIfNullOrWhiteSpace(newName);
        return Experiments().ChangeAsync("update", [("experiment_id", experimentId), ("new_name", newName)], cancellationToken);
    }

    /// <summary>Deletes an experiment: its traces can still be read, and nothing can be written. <see cref="RestoreExperimentAsync"/> undoes it.</summary>
    /// <exception cref="MlflowException">There is none of that id, it is deleted already, or the server could not be reached.</exception>
    public Task DeleteExperimentAsync(string experimentId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(experimentId);
        return Experiments().ChangeAsync("delete", [("experiment_id", experimentId)], cancellationToken);
    }

    /// <summary>Brings a deleted experiment back.</summary>
    /// <exception cref="MlflowException">There is no deleted one of that id, or the server could not be reached.</exception>
    public Task RestoreExperimentAsync(string experimentId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(experimentId);
        return Experiments().ChangeAsync("restore", [("experiment_id", experimentId)], cancellationToken);
    }

    /// <summary>Sets a tag of an experiment, replacing its value.</summary>
    /// <param name="experimentId">The experiment.</param>
    /// <param name="key">At most 250 characters.</param>
    /// <param name="value">At most 5,000 characters.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="MlflowException">There is no active experiment of that id, the server refused the tag, or it could not be reached.</exception>
    public Task SetExperimentTagAsync(string experimentId, string key, string value, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(experimentId);
        ArgumentException.ThrowIfNullOrEmpty(key);
        ArgumentNullException.ThrowIfNull(value);
        return Experiments().ChangeAsync("set-experiment-tag", [("experiment_id", experimentId), ("key", key), ("value", value)], cancellationToken);
    }

    /// <summary>Deletes a tag of an experiment.</summary>
    /// <exception cref="MlflowException">There is no active experiment of that id, it has no such tag, or the server could not be reached.</exception>
    public Task DeleteExperimentTagAsync(string experimentId, string key, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(experimentId);
        ArgumentException.ThrowIfNullOrEmpty(key);
        return Experiments().ChangeAsync("delete-experiment-tag", [("experiment_id", experimentId), ("key", key)], cancellationToken);
    }

    private async Task<ExperimentRecord> ResolveAndSetAsync(string name, CancellationToken cancellationToken)
    {
        var experiment = await Experiments().GetOrCreateAsync(name, cancellationToken).ConfigureAwait(false);
        if (!experiment.IsActive)
        {
            throw new InvalidOperationException($"The experiment '{name}' is deleted: restore it (RestoreExperimentAsync(\"{experiment.ExperimentId}\")), or choose another name.");
        }

        SetExperiment(name);
        return experiment;
    }

    private ExperimentApi Experiments() => new(Api());
}
