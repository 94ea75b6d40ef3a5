using MLflow.Server.Hosting;
using MLflow.Server.Telemetry;

namespace MLflow.Server.Rest;

/// <summary>Refuses requests while the server stops, in a way that makes clients send them again to the next one.</summary>
internal sealed class DrainGate
{
    /// <summary>Connections of open pages last as long as the pages do: nobody waits for them.</summary>
    private const string Circuits = "/_blazor";

    private readonly RequestDelegate _next;
    private readonly Drain _drain;
    private readonly ServerMeter _meter;

    public DrainGate(RequestDelegate next, Drain drain, ServerMeter meter)
    {
        _next = next;
        _drain = drain;
        _meter = meter;
    }

    public async Task InvokeAsync(HttpContext context)
    {
        if (ServerEndpoints.IsForProbes(context.Request.Path) || context.Request.Path.StartsWithSegments(Circuits))
        {
            await _next(context).ConfigureAwait(false);
            return;
        }

        if (!_drain.TryEnter())
        {
            _meter.Rejected("stopping");
            await ErrorAnswers.WriteAsync(
                context, ErrorCode.TEMPORARILY_UNAVAILABLE, "The server is stopping, and nothing of the request was stored; send it again.", StatusCodes.Status503ServiceUnavailable).ConfigureAwait(false);
            return;
        }

        try
        {
            await _next(context).ConfigureAwait(false);
        }
        finally
        {
            _drain.Leave();
        }
    }
}
