using MLflow.Server.Storage;

namespace MLflow.Server.Access;

/// <summary>Writes down who did what.</summary>
internal sealed class AuditLog
{
    /// <summary>Characters of what strangers may choose: names that do not exist, routes.</summary>
    private const int MaxText = 200;

    private readonly IAccessStore _store;
    private readonly TimeProvider _timeProvider;

    public AuditLog(IAccessStore store, TimeProvider timeProvider)
    {
        _store = store;
        _timeProvider = timeProvider;
    }

    /// <summary>Durable on return. Not cancelled with the request: what was done is told, whether or not somebody waits for the answer.</summary>
    public Task WriteAsync(Actor actor, string action, string? target, string result) => _store.WriteAuditAsync(
        new AuditEntry(_timeProvider.GetUtcNow().ToUnixTimeMilliseconds(), Cut(actor.Name), action, Cut(target), actor.Address, result), CancellationToken.None);

    private static string? Cut(string? text) => text?.Length > MaxText ? text[..MaxText] : text;
}
