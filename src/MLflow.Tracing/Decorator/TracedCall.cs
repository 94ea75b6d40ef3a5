using System.ComponentModel;

namespace MLflow;

/// <summary>What the build weaves into methods with <see cref="TraceAttribute"/> calls this. Not meant to be called by you.</summary>
/// <remarks>
/// A woven method is
/// <code>
/// var span = IsOn ? Begin(method, arguments) : null;
/// try { the body } filter { Fail(exception, span) } fault { Abort(span) }
/// if (span != null) { End(result, span, method) }
/// return result;
/// </code>
/// The filter records and never catches: exceptions, their stacks and what a debugger does with them stay as they are. None of the members throws.
/// </remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public static partial class TracedCall
{
    // The client of the process itself cannot be made.
    private static volatile bool _isBroken;

    /// <summary>False: a woven method does nothing but its own work.</summary>
    public static bool IsOn => !MayBeOff || IsOnNow();

    /// <summary>False as long as nobody has turned tracing off, so that a call asks for no more than this.</summary>
    internal static volatile bool MayBeOff;

    /// <summary>Where the spans are started.</summary>
    internal static Func<Tracer> Source { get; set; } = static () => Mlflow.Tracer;

    /// <summary>Starts the span of a call.</summary>
    public static LiveSpan? Begin(TracedMethod method, object?[]? arguments)
    {
        if (FindTracer() is not { } tracer)
        {
            return null;
        }

        LiveSpan span;
        try
        {
            span = tracer.StartSpan(method.Name, method.SpanType, options: method.Options);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Broken(e);
            return null;
        }

        Describe(span, method, arguments);
        return span;
    }

    /// <summary>An exception leaves the body. Always false, so that nothing is caught.</summary>
    public static bool Fail(object exception, LiveSpan? span)
    {
        if (span is not null)
        {
            RecordFailure(span, exception as Exception);
            FailingCalls.Add(span);
        }

        return false;
    }

    /// <summary>An exception has left the body.</summary>
    public static void Abort(LiveSpan? span)
    {
        if (span is not null)
        {
            FailingCalls.Remove(span);
            span.End();
        }
    }

    /// <summary>The method returns nothing, or nothing that is recorded.</summary>
    public static void End(LiveSpan span)
    {
        if (FailingCalls.Remove(span))
        {
            // The filter saw an exception that a later one replaced, which the body caught.
            span.SetStatus(SpanStatusCode.Ok);
        }

        span.End();
    }

    /// <summary>The method returns, and its work goes on: <see cref="EndWork"/> follows.</summary>
    public static void Leave(LiveSpan span) => span.Leave();

    /// <summary>The work of a method has come to its end after the method had returned.</summary>
    public static void EndWork(LiveSpan? span) => span?.End();

    /// <summary>The work of a method has failed after the method had returned.</summary>
    public static void FailWork(Exception exception, LiveSpan? span)
    {
        if (span is not null)
        {
            RecordFailure(span, exception);
            span.End();
        }
    }

    /// <summary>The method returns.</summary>
    public static void End<T>(T result, LiveSpan span, TracedMethod method)
    {
        RecordOutput(span, method, result);
        End(span);
    }

    /// <summary>The method returns, and has given values by reference.</summary>
    public static void EndWithOutputs(object?[] outputs, LiveSpan span, TracedMethod method)
    {
        try
        {
            if (method.CapturesOutput && method.Outputs is not null && !span.HasEnded && !span.HasOutputs)
            {
                span.SetAttribute(AttributeNames.Outputs, CallValues.EncodeObject(method.Outputs, outputs));
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Note(span, e);
        }

        End(span);
    }

    /// <summary>What can be said of a value that cannot be boxed: the text of characters, else type and length.</summary>
    public static string Describe<T>(ReadOnlySpan<T> value) => value.ToString();

    /// <inheritdoc cref="Describe{T}(ReadOnlySpan{T})"/>
    public static string Describe<T>(Span<T> value) => value.ToString();

    /// <summary>A trace that had begun when tracing was turned off goes on to its end.</summary>
    private static bool IsOnNow() => (!_isBroken || Mlflow.SpeaksForHost) && FindTracer() is { } tracer && (tracer.IsEnabled || tracer.Current is { HasEnded: false });

    /// <summary>Null when there can be none. Never throws.</summary>
    internal static Tracer? FindTracer()
    {
        try
        {
            var tracer = Source();
            tracer.Prepare();
            return tracer;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Broken(e);
            return null;
        }
    }

    /// <summary>
    /// The client of the process cannot be made, for example because of a bad MLFLOW_TRACKING_URI, and never will be. It is asked for no more; those of hosts are, which may
    /// come and go.
    /// </summary>
    internal static void Broken(Exception e)
    {
        _isBroken = true;
        MayBeOff = true;
        Mlflow.Log.Warn("trace-attribute", $"methods with [Trace] are not traced: {ExceptionText.MessageOf(e)}");
    }

    internal static void Describe(LiveSpan span, TracedMethod method, object?[]? arguments)
    {
        if (span.HasEnded)
        {
            return;
        }

        try
        {
            method.Describe(span, arguments);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Note(span, e);
        }
    }

    internal static void RecordOutput<T>(LiveSpan span, TracedMethod method, T result)
    {
        try
        {
            if (method.CapturesOutput && !span.HasEnded && !span.HasOutputs)
            {
                span.SetAttribute(AttributeNames.Outputs, CallValues.Encode(result));
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Note(span, e);
        }
    }

    internal static void RecordFailure(LiveSpan span, Exception? exception)
    {
        if (span.HasEnded)
        {
            return;
        }

        if (exception is null)
        {
            // What other languages throw need not be an Exception.
            span.SetStatus(SpanStatusCode.Error, "Something that is no Exception was thrown.");
            return;
        }

        if (exception is OperationCanceledException)
        {
            span.SetAttribute(AttributeNames.Cancelled, AttributeValue.FromBoolean(true));
        }

        span.SetAttribute(AttributeNames.ErrorType, AttributeValue.FromString(exception.GetType().Name));
        span.RecordException(exception);
    }

    private static void Note(LiveSpan span, Exception e) =>
        span.SetAttribute(AttributeNames.CaptureNote, AttributeValue.FromString($"{e.GetType().Name} while values were recorded"));
}
