using MLflow.Server.Runs;
using MLflow.Server.Storage;

namespace MLflow.Server.Access.Guards;

/// <summary>Lets each caller do with runs what they may with their experiments.</summary>
internal sealed class GuardedRunStore : IRunStore
{
    private readonly IRunStore _runs;
    private readonly CurrentCaller _caller;

    public GuardedRunStore(UnguardedStores stores, CurrentCaller caller)
    {
        _runs = stores.Runs;
        _caller = caller;
    }

    public async Task<Run> CreateAsync(Run run, CancellationToken cancellationToken)
    {
        await _caller.RequireAsync(ExperimentRights.Edit, run.ExperimentId).ConfigureAwait(false);
        return await _runs.CreateAsync(run, cancellationToken).ConfigureAwait(false);
    }

    public Task<Run?> GetAsync(string runId, CancellationToken cancellationToken) => RequireAsync(ExperimentRights.Read, runId, cancellationToken);

    public async Task<Run> UpdateAsync(string runId, RunChange change, CancellationToken cancellationToken)
    {
        await RequireAsync(ExperimentRights.Edit, runId, cancellationToken).ConfigureAwait(false);
        return await _runs.UpdateAsync(runId, change, cancellationToken).ConfigureAwait(false);
    }

    public async Task SetActiveAsync(string runId, bool isActive, CancellationToken cancellationToken)
    {
        await RequireAsync(ExperimentRights.Edit, runId, cancellationToken).ConfigureAwait(false);
        await _runs.SetActiveAsync(runId, isActive, cancellationToken).ConfigureAwait(false);
    }

    public async Task LogAsync(string runId, RunBatch batch, CancellationToken cancellationToken)
    {
        await RequireAsync(ExperimentRights.Edit, runId, cancellationToken).ConfigureAwait(false);
        await _runs.LogAsync(runId, batch, cancellationToken).ConfigureAwait(false);
    }

    public async Task DeleteTagAsync(string runId, string key, CancellationToken cancellationToken)
    {
        await RequireAsync(ExperimentRights.Edit, runId, cancellationToken).ConfigureAwait(false);
        await _runs.DeleteTagAsync(runId, key, cancellationToken).ConfigureAwait(false);
    }

    public async Task<RunPage> SearchAsync(RunQuery query, CancellationToken cancellationToken)
    {
        var readable = ExperimentIds.Readable(await _caller.GetAsync().ConfigureAwait(false), query.ExperimentIds);
        return await _runs.SearchAsync(query with { ExperimentIds = readable }, cancellationToken).ConfigureAwait(false);
    }

    private async Task<Run?> RequireAsync(ExperimentRights anyOf, string runId, CancellationToken cancellationToken)
    {
        var run = await _runs.GetAsync(runId, cancellationToken).ConfigureAwait(false);
        if (run is not null)
        {
            await _caller.RequireAsync(anyOf, run.ExperimentId).ConfigureAwait(false);
        }

        return run;
    }
}
