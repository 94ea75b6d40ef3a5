using MLflow.Server.Storage;
using MLflow.Server.Views;

namespace MLflow.Server.Access.Guards;

/// <summary>Lets each caller see the views of experiments that they may read, and change those of experiments that they may edit.</summary>
internal sealed class GuardedViewStore : IViewStore
{
    private readonly IViewStore _views;
    private readonly CurrentCaller _caller;

    public GuardedViewStore(UnguardedStores stores, CurrentCaller caller)
    {
        _views = stores.Views;
        _caller = caller;
    }

    public async Task<IReadOnlyList<SavedView>> ListAsync(long experimentId, CancellationToken cancellationToken)
    {
        await _caller.RequireAsync(ExperimentRights.Read, experimentId).ConfigureAwait(false);
        return await _views.ListAsync(experimentId, cancellationToken).ConfigureAwait(false);
    }

    public async Task SaveAsync(SavedView view, CancellationToken cancellationToken)
    {
        var caller = await _caller.GetAsync().ConfigureAwait(false);
        caller.Require(ExperimentRights.Edit, view.ExperimentId);
        await _views.SaveAsync(view with { SavedBy = caller.User?.Name }, cancellationToken).ConfigureAwait(false);
    }

    public async Task DeleteAsync(long experimentId, string name, CancellationToken cancellationToken)
    {
        await _caller.RequireAsync(ExperimentRights.Edit, experimentId).ConfigureAwait(false);
        await _views.DeleteAsync(experimentId, name, cancellationToken).ConfigureAwait(false);
    }
}
