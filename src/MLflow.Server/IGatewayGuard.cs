namespace MLflow.Server;

/// <summary>Looks at each call of the gateway before it is sent to a model, and may refuse it. For programs that the server is part of (<see cref="MlflowServerOptions.GatewayGuards"/>).</summary>
public interface IGatewayGuard
{
    /// <summary>Asked before anything is sent. A guard that throws refuses the call.</summary>
    /// <param name="request">The call; valid only until the result is there.</param>
    /// <param name="cancellationToken">The client has gone.</param>
    /// <returns>Null to let it pass; else why it is refused, which the client is told with status 400.</returns>
    ValueTask<string?> CheckAsync(GatewayRequest request, CancellationToken cancellationToken);
}
