using System.Globalization;
using MLflow.Server.Experiments;
using MLflow.Server.Storage;

namespace MLflow.Server.Access.Guards;

/// <summary>
/// Lets each caller do with experiments what they may. Ids are asked about before they are looked up, so that a refusal says nothing of what exists.
/// A name that is taken cannot be kept secret from whoever may create experiments.
/// </summary>
internal sealed class GuardedExperimentStore : IExperimentStore
{
    private readonly IExperimentStore _experiments;
    private readonly IAccessStore _access;
    private readonly CurrentCaller _caller;
    private readonly AuditLog _audit;

    public GuardedExperimentStore(UnguardedStores stores, IAccessStore access, CurrentCaller caller, AuditLog audit)
    {
        _experiments = stores.Experiments;
        _access = access;
        _caller = caller;
        _audit = audit;
    }

    public async Task<Experiment> CreateAsync(string name, string? artifactLocation, IReadOnlyDictionary<string, string> tags, CancellationToken cancellationToken)
    {
        var caller = await _caller.GetAsync().ConfigureAwait(false);
        if (!caller.MayCreateExperiments)
        {
            throw new MlflowException(ErrorCode.PERMISSION_DENIED, "Permission denied: the token is for some experiments only, or not for creating them; use another one.");
        }

        var experiment = await _experiments.CreateAsync(name, artifactLocation, tags, cancellationToken).ConfigureAwait(false);
        if (caller.User is { } user)
        {
            await _access.SetPermissionAsync(user.UserId, experiment.ExperimentId, Permission.Manage, cancellationToken).ConfigureAwait(false);
        }

        return experiment;
    }

    public async Task<Experiment?> GetAsync(long experimentId, CancellationToken cancellationToken)
    {
        await _caller.RequireAsync(ExperimentRights.Read | ExperimentRights.Ingest, experimentId).ConfigureAwait(false);
        return await _experiments.GetAsync(experimentId, cancellationToken).ConfigureAwait(false);
    }

    public async Task<Experiment?> GetByNameAsync(string name, CancellationToken cancellationToken)
    {
        var experiment = await _experiments.GetByNameAsync(name, cancellationToken).ConfigureAwait(false);
        if (experiment is not null)
        {
            await _caller.RequireAsync(ExperimentRights.Read | ExperimentRights.Ingest, experiment.ExperimentId).ConfigureAwait(false);
        }

        return experiment;
    }

    public async Task RenameAsync(long experimentId, string name, CancellationToken cancellationToken)
    {
        await _caller.RequireAsync(ExperimentRights.Edit, experimentId).ConfigureAwait(false);
        await _experiments.RenameAsync(experimentId, name, cancellationToken).ConfigureAwait(false);
    }

    public async Task SetActiveAsync(long experimentId, bool isActive, CancellationToken cancellationToken)
    {
        await _caller.RequireAsync(ExperimentRights.Manage, experimentId).ConfigureAwait(false);
        await _experiments.SetActiveAsync(experimentId, isActive, cancellationToken).ConfigureAwait(false);
        if (!isActive)
        {
            await _audit.WriteAsync(
                await _caller.ActorAsync().ConfigureAwait(false), AuditAction.DeleteExperiment, experimentId.ToString(CultureInfo.InvariantCulture), AuditResult.Done).ConfigureAwait(false);
        }
    }

    public async Task SetTagAsync(long experimentId, string key, string value, CancellationToken cancellationToken)
    {
        await _caller.RequireAsync(ExperimentRights.Edit, experimentId).ConfigureAwait(false);
        await _experiments.SetTagAsync(experimentId, key, value, cancellationToken).ConfigureAwait(false);
    }

    public async Task DeleteTagAsync(long experimentId, string key, CancellationToken cancellationToken)
    {
        await _caller.RequireAsync(ExperimentRights.Edit, experimentId).ConfigureAwait(false);
        await _experiments.DeleteTagAsync(experimentId, key, cancellationToken).ConfigureAwait(false);
    }

    public async Task<ExperimentPage> SearchAsync(ExperimentQuery query, CancellationToken cancellationToken)
    {
        var caller = await _caller.GetAsync().ConfigureAwait(false);
        return await _experiments.SearchAsync(caller.IsAdministrator ? query : query with { Among = caller.Readable() }, cancellationToken).ConfigureAwait(false);
    }
}
