namespace MLflow;

public static partial class Mlflow
{
    /// <summary>Runs work in a span. The result becomes the output (unless the work sets one); an exception is recorded and passes on unchanged.</summary>
    public static T Trace<T>(string name, string spanType, Func<LiveSpan, T> work) => Trace(name, spanType, null, work);

    /// <inheritdoc cref="Trace{T}(string, string, Func{LiveSpan, T})"/>
    /// <param name="name">Name of the span.</param>
    /// <param name="spanType">One of <see cref="SpanType"/>, or your own.</param>
    /// <param name="options">What else is said of the span, for example its sampling ratio. Null: nothing.</param>
    /// <param name="work">The work.</param>
    public static T Trace<T>(string name, string spanType, SpanOptions? options, Func<LiveSpan, T> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        using var span = StartSpan(name, spanType, options);
        try
        {
            var result = work(span);
            SetOutputs(span, result);
            return result;
        }
        catch (Exception e) when (Record(span, e))
        {
            // Where nobody catches it, the process ends before the span would.
            span.End();
            throw;
        }
    }

    /// <summary>Runs work in a span. An exception is recorded and passes on unchanged.</summary>
    public static void Trace(string name, string spanType, Action<LiveSpan> work) => Trace(name, spanType, null, work);

    /// <inheritdoc cref="Trace(string, string, Action{LiveSpan})"/>
    /// <param name="name">Name of the span.</param>
    /// <param name="spanType">One of <see cref="SpanType"/>, or your own.</param>
    /// <param name="options">What else is said of the span, for example its sampling ratio. Null: nothing.</param>
    /// <param name="work">The work.</param>
    public static void Trace(string name, string spanType, SpanOptions? options, Action<LiveSpan> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        using var span = StartSpan(name, spanType, options);
        try
        {
            work(span);
        }
        catch (Exception e) when (Record(span, e))
        {
            // Where nobody catches it, the process ends before the span would.
            span.End();
            throw;
        }
    }

    /// <summary>Runs work in a span. The result becomes the output (unless the work sets one); an exception is recorded and passes on unchanged.</summary>
    public static Task<T> TraceAsync<T>(string name, string spanType, Func<LiveSpan, Task<T>> work) => TraceAsync(name, spanType, null, work);

    /// <inheritdoc cref="TraceAsync{T}(string, string, Func{LiveSpan, Task{T}})"/>
    /// <param name="name">Name of the span.</param>
    /// <param name="spanType">One of <see cref="SpanType"/>, or your own.</param>
    /// <param name="options">What else is said of the span, for example its sampling ratio. Null: nothing.</param>
    /// <param name="work">The work.</param>
    public static Task<T> TraceAsync<T>(string name, string spanType, SpanOptions? options, Func<LiveSpan, Task<T>> work)
    {
        ArgumentNullException.ThrowIfNull(work);

        // An async method undoes what it changed in AsyncLocals when it returns, and then the caller could not ask for its last trace:
        // the span starts in the caller's frame, and the caller's current span is restored before it goes on.
        var span = StartSpan(name, spanType, options);
        try
        {
            return RunAsync(span, work);
        }
        finally
        {
            span.Leave();
        }
    }

    /// <summary>Runs work in a span. An exception is recorded and passes on unchanged.</summary>
    public static Task TraceAsync(string name, string spanType, Func<LiveSpan, Task> work) => TraceAsync(name, spanType, null, work);

    /// <inheritdoc cref="TraceAsync(string, string, Func{LiveSpan, Task})"/>
    /// <param name="name">Name of the span.</param>
    /// <param name="spanType">One of <see cref="SpanType"/>, or your own.</param>
    /// <param name="options">What else is said of the span, for example its sampling ratio. Null: nothing.</param>
    /// <param name="work">The work.</param>
    public static Task TraceAsync(string name, string spanType, SpanOptions? options, Func<LiveSpan, Task> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        var span = StartSpan(name, spanType, options);
        try
        {
            return RunAsync(span, work);
        }
        finally
        {
            span.Leave();
        }
    }

    private static async Task<T> RunAsync<T>(LiveSpan span, Func<LiveSpan, Task<T>> work)
    {
        using (span)
        {
            try
            {
                // The work's own context is kept: this is the caller's code, not ours.
#pragma warning disable CA2007
                var result = await work(span);
#pragma warning restore CA2007
                SetOutputs(span, result);
                return result;
            }
            catch (Exception e) when (Record(span, e))
            {
                throw;
            }
        }
    }

    private static async Task RunAsync(LiveSpan span, Func<LiveSpan, Task> work)
    {
        using (span)
        {
            try
            {
#pragma warning disable CA2007
                await work(span);
#pragma warning restore CA2007
            }
            catch (Exception e) when (Record(span, e))
            {
                throw;
            }
        }
    }

    private static void SetOutputs<T>(LiveSpan span, T result)
    {
        if (!span.HasOutputs)
        {
            span.SetOutputs(result);
        }
    }

    /// <summary>A filter, so that the exception is recorded where it passes and its stack is not touched.</summary>
    private static bool Record(LiveSpan span, Exception exception)
    {
        span.RecordException(exception);
        return true;
    }
}
