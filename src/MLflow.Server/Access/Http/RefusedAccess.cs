namespace MLflow.Server.Access.Http;

/// <summary>
/// Writes refused requests into the audit log, once an hour for the same caller, address and route: whoever asks a thousand times is one entry, and strangers
/// cannot fill the log by it.
/// </summary>
internal sealed class RefusedAccess
{
    private readonly FailureLimits _noted;
    private readonly AuditLog _audit;

    public RefusedAccess(AuditLog audit, TimeProvider timeProvider)
    {
        _audit = audit;
        _noted = new FailureLimits(timeProvider, 1, TimeSpan.FromHours(1));
    }

    public async Task NoteAsync(HttpContext context, Caller? caller)
    {
        // The template where there is one: it has no ids, and there are as many as there are routes.
        var route = $"{context.Request.Method} {(context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "nowhere"}";
        var key = $"{caller?.User?.Name}\n{PasswordCheck.Network(context.Connection.RemoteIpAddress)}\n{route}";
        if (_noted.Wait(key) is null)
        {
            _noted.Add(key);
            var result = context.Features.Get<Refusal>()?.Wait is null ? AuditResult.Refused : AuditResult.Limited;
            await _audit.WriteAsync(context.Actor(caller?.User?.Name), AuditAction.Access, route, result).ConfigureAwait(false);
        }
    }
}
