using MLflow.Server.Runs;

namespace MLflow.Server.Storage;

/// <summary>Keeps runs. All that writes is durable on return.</summary>
internal interface IRunStore
{
    /// <summary>Creates the run and returns it as it is then: without an artifact URI of its own, it has one below its experiment's.</summary>
    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is no such experiment. INVALID_PARAMETER_VALUE: it is deleted.</exception>
    Task<Run> CreateAsync(Run run, CancellationToken cancellationToken);

    /// <summary>The run, deleted ones too, or null.</summary>
    Task<Run?> GetAsync(string runId, CancellationToken cancellationToken);

    /// <summary>Changes a run and returns it.</summary>
    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is none. INVALID_PARAMETER_VALUE: it is deleted.</exception>
    Task<Run> UpdateAsync(string runId, RunChange change, CancellationToken cancellationToken);

    /// <summary>Deletes a run, or restores a deleted one; doing it again changes nothing. What belongs to it stays.</summary>
    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is none.</exception>
    Task SetActiveAsync(string runId, bool isActive, CancellationToken cancellationToken);

    /// <summary>Adds metrics, params and tags; the same again changes nothing.</summary>
    /// <exception cref="MlflowException">
    /// RESOURCE_DOES_NOT_EXIST: there is no such run. INVALID_PARAMETER_VALUE: it is deleted, or a param has another value already. Nothing of the batch is stored.
    /// </exception>
    Task LogAsync(string runId, RunBatch batch, CancellationToken cancellationToken);

    /// <summary>Deletes a tag.</summary>
    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is no such run or tag. INVALID_PARAMETER_VALUE: the run is deleted.</exception>
    Task DeleteTagAsync(string runId, string key, CancellationToken cancellationToken);

    /// <summary>A page of runs, newest first unless the query says otherwise.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: the filter, the order, the page size or the token is wrong.</exception>
    Task<RunPage> SearchAsync(RunQuery query, CancellationToken cancellationToken);
}
