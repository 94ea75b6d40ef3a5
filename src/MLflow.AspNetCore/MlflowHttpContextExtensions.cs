using Microsoft.AspNetCore.Http;

namespace MLflow;

/// <summary>What a request knows of its trace.</summary>
public static class MlflowHttpContextExtensions
{
    /// <summary>Id of the request's trace, <c>tr-…</c>: for answers, logs and feedback that comes later. Null where the request is not traced, or chance (<see cref="MlflowClientOptions.SamplingRatio"/>) left it out.</summary>
    public static string? GetMlflowTraceId(this HttpContext context) => context.GetMlflowSpan() is { Trace.IsOff: false } span ? span.TraceId : null;

    /// <summary>The span of the request, to set its inputs and outputs, which otherwise tell of the address and the status alone. Null where the request is not traced.</summary>
    public static LiveSpan? GetMlflowSpan(this HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Features.Get<RequestTrace>()?.Span;
    }
}
