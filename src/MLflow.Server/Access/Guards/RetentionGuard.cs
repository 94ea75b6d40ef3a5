using MLflow.Server.Retention;
using MLflow.Server.Storage;
using MLflow.Server.Traces.Retention;

namespace MLflow.Server.Access.Guards;

/// <summary>Lets each caller ask for and do with retention what they may: see of experiments that they read, delete in those that they edit, and run all of it as administrators.</summary>
internal sealed class RetentionGuard
{
    private readonly TraceRetention _retention;
    private readonly IExperimentStore _experiments;
    private readonly CurrentCaller _caller;

    /// <param name="retention">Does it.</param>
    /// <param name="experiments">Guarded itself.</param>
    /// <param name="caller">Who asks.</param>
    public RetentionGuard(TraceRetention retention, IExperimentStore experiments, CurrentCaller caller)
    {
        _retention = retention;
        _experiments = experiments;
        _caller = caller;
    }

    /// <summary>The policy of an experiment, and whether it says so itself.</summary>
    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST, PERMISSION_DENIED</exception>
    public async Task<(RetentionPolicy Policy, bool IsOwn)> GetAsync(long experimentId, CancellationToken cancellationToken)
    {
        await _caller.RequireAsync(ExperimentRights.Read, experimentId).ConfigureAwait(false);
        var tags = (await _experiments.GetAsync(experimentId, cancellationToken).ConfigureAwait(false)
            ?? throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"No Experiment with id={experimentId} exists")).Tags;
        return (_retention.Default.For(tags), tags.ContainsKey(RetentionPolicy.DaysTag) || tags.ContainsKey(RetentionPolicy.ActionTag));
    }

    /// <summary>Sets the policy of an experiment; what is null is as it was, and both null is the server's own again.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST, PERMISSION_DENIED</exception>
    public async Task SetAsync(long experimentId, string? days, string? action, CancellationToken cancellationToken)
    {
        await _caller.RequireAsync(ExperimentRights.Edit, experimentId).ConfigureAwait(false);
        foreach (var (key, value) in (ReadOnlySpan<(string, string?)>)[(RetentionPolicy.DaysTag, days), (RetentionPolicy.ActionTag, action)])
        {
            RetentionPolicy.CheckTag(key, value ?? (key == RetentionPolicy.DaysTag ? RetentionPolicy.Forever : "delete"));
        }

        var isReset = days is null && action is null;
        var tags = (await _experiments.GetAsync(experimentId, cancellationToken).ConfigureAwait(false)
            ?? throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"No Experiment with id={experimentId} exists")).Tags;
        foreach (var (key, value) in ((string, string?)[])[(RetentionPolicy.DaysTag, days), (RetentionPolicy.ActionTag, action)])
        {
            if (value is not null)
            {
                await _experiments.SetTagAsync(experimentId, key, value, cancellationToken).ConfigureAwait(false);
            }
            else if (isReset && tags.ContainsKey(key))
            {
                await _experiments.DeleteTagAsync(experimentId, key, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>What retention does now, or would do.</summary>
    /// <param name="experimentIds">Of which experiments; none for all that the caller may ask about.</param>
    /// <param name="isDryRun">Whether it is only said. Doing it is for administrators.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <exception cref="MlflowException">PERMISSION_DENIED</exception>
    public async Task<IReadOnlyList<RetentionOutcome>> RunAsync(IReadOnlyList<long> experimentIds, bool isDryRun, CancellationToken cancellationToken)
    {
        var caller = await _caller.GetAsync().ConfigureAwait(false);
        if (!isDryRun && !caller.IsAdministrator)
        {
            throw new MlflowException(ErrorCode.PERMISSION_DENIED, "Permission denied: only administrators run retention; ask for a dry run (\"dry_run\": true), or delete traces.");
        }

        var isAsked = IsAsked(caller, ExperimentRights.Read, experimentIds);
        return isDryRun
            ? await _retention.PreviewAsync(isAsked, cancellationToken).ConfigureAwait(false)
            : await _retention.RunAsync(isAsked, await _caller.ActorAsync().ConfigureAwait(false), () => Task.FromResult(true), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Deletes the traces of a user or a session, or counts them.</summary>
    /// <param name="owner">Whose.</param>
    /// <param name="experimentIds">In which experiments; none for all that the caller may edit.</param>
    /// <param name="isDryRun">Whether they are only counted.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <exception cref="MlflowException">PERMISSION_DENIED</exception>
    public async Task<IReadOnlyList<OwnedTraces>> DeleteOwnedAsync(TraceOwner owner, IReadOnlyList<long> experimentIds, bool isDryRun, CancellationToken cancellationToken)
    {
        var isAsked = IsAsked(await _caller.GetAsync().ConfigureAwait(false), ExperimentRights.Edit, experimentIds);
        return await _retention.DeleteOwnedAsync(owner, isAsked, isDryRun, await _caller.ActorAsync().ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
    }

    // Who names an experiment is told of it, who names none gets what they may.
    private static Predicate<long> IsAsked(Caller caller, ExperimentRights rights, IReadOnlyList<long> experimentIds)
    {
        foreach (var experimentId in experimentIds)
        {
            caller.Require(rights, experimentId);
        }

        return experimentIds.Count > 0 ? experimentIds.ToHashSet().Contains : experimentId => caller.May(rights, experimentId);
    }
}
