namespace MLflow.Server.Storage;

/// <summary>Tries whether the store writes.</summary>
internal interface IStoreHealth
{
    /// <summary>Writes something that changes nothing, the way of all that is written, and returns when it is durable.</summary>
    /// <exception cref="MlflowException">TEMPORARILY_UNAVAILABLE: it cannot be written; the message says why.</exception>
    Task WriteAsync(CancellationToken cancellationToken);
}
