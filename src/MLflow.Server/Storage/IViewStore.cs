using MLflow.Server.Views;

namespace MLflow.Server.Storage;

/// <summary>Keeps saved views of lists.</summary>
internal interface IViewStore
{
    /// <summary>The views of an experiment by name.</summary>
    Task<IReadOnlyList<SavedView>> ListAsync(long experimentId, CancellationToken cancellationToken);

    /// <summary>Saves a view, in the place of one with its name.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: name or query are too long, the experiment is deleted or has too many. RESOURCE_DOES_NOT_EXIST: there is no such experiment.</exception>
    Task SaveAsync(SavedView view, CancellationToken cancellationToken);

    /// <summary>Deletes a view; one that is not there is gone already.</summary>
    Task DeleteAsync(long experimentId, string name, CancellationToken cancellationToken);
}
