using Microsoft.Extensions.AI;

namespace MLflow;

/// <summary>Makes each invocation of a function a tool's span.</summary>
internal sealed class TracedFunction : DelegatingAIFunction
{
    private readonly Tracer _tracer;

    public TracedFunction(AIFunction inner, Tracer tracer)
        : base(inner) => _tracer = tracer;

    protected override async ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken)
    {
        // The function invocation of Microsoft.Extensions.AI may have reported this very call already.
        var around = _tracer.Current is { SpanType: SpanType.Tool, HasInputs: false } tool && tool.Name.EndsWith(Name, StringComparison.Ordinal) ? tool : null;
        var span = around ?? _tracer.StartDetached(Name, SpanType.Tool, _tracer.Current);
        try
        {
            _tracer.Enter(span);
            span.SetInputs(new Dictionary<string, object?>(arguments));
#pragma warning disable CA2007 // The function's own context is kept: it is the program's code, not ours.
            var result = await base.InvokeCoreAsync(arguments, cancellationToken);
#pragma warning restore CA2007
            span.SetOutputs(result);
            return result;
        }
        catch (Exception e) when (Record(span, e))
        {
            throw;
        }
        finally
        {
            if (around is null)
            {
                span.End();
            }
        }
    }

    /// <summary>A filter that never catches.</summary>
    private static bool Record(LiveSpan span, Exception exception)
    {
        span.RecordException(exception);
        return false;
    }
}
