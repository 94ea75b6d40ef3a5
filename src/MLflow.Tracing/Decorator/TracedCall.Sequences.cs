using System.Collections;

namespace MLflow;

public static partial class TracedCall
{
    /// <summary>An iterator was made; its code has not run.</summary>
    public static IEnumerable<T> Iterate<T>(IEnumerable<T> sequence, TracedMethod method, object?[]? arguments) =>
        FindTracer() is { } tracer ? new TracedSequence<T>(sequence, () => new TracedIteration(tracer, method, arguments)) : sequence;

    /// <inheritdoc cref="Iterate{T}(IEnumerable{T}, TracedMethod, object?[])"/>
    public static IEnumerable Iterate(IEnumerable sequence, TracedMethod method, object?[]? arguments) =>
        Iterate(sequence.Cast<object?>(), method, arguments);

    /// <inheritdoc cref="Iterate{T}(IEnumerable{T}, TracedMethod, object?[])"/>
    public static IEnumerator<T> Iterate<T>(IEnumerator<T> enumerator, TracedMethod method, object?[]? arguments) =>
        FindTracer() is { } tracer ? new TracedEnumerator<T>(enumerator, new TracedIteration(tracer, method, arguments)) : enumerator;

    /// <inheritdoc cref="Iterate{T}(IEnumerable{T}, TracedMethod, object?[])"/>
    public static IEnumerator Iterate(IEnumerator enumerator, TracedMethod method, object?[]? arguments) =>
        enumerator is IEnumerator<object?> typed ? Iterate(typed, method, arguments) : enumerator;

    /// <inheritdoc cref="Iterate{T}(IEnumerable{T}, TracedMethod, object?[])"/>
    public static IAsyncEnumerable<T> Iterate<T>(IAsyncEnumerable<T> sequence, TracedMethod method, object?[]? arguments) =>
        FindTracer() is { } tracer ? new TracedAsyncSequence<T>(sequence, () => new TracedIteration(tracer, method, arguments)) : sequence;

    /// <inheritdoc cref="Iterate{T}(IEnumerable{T}, TracedMethod, object?[])"/>
    public static IAsyncEnumerator<T> Iterate<T>(IAsyncEnumerator<T> enumerator, TracedMethod method, object?[]? arguments) =>
        FindTracer() is { } tracer ? new TracedAsyncEnumerator<T>(enumerator, new TracedIteration(tracer, method, arguments)) : enumerator;

    /// <summary>Sets what makes the output of the elements, for what <c>Iterate</c> or <c>EndSequence</c> gave.</summary>
    public static void Reduce<TElements, TOutput>(object? sequence, Func<TElements, TOutput> reducer)
    {
        if (sequence is ITracedSequence traced)
        {
            traced.Reducer = elements => reducer((TElements)elements);
        }
    }

    /// <summary>
    /// The method returns a sequence. Where that does its work when it is enumerated, the span goes on until then; where it is there already, it is
    /// the output.
    /// </summary>
    public static IEnumerable<T>? EndSequence<T>(IEnumerable<T>? sequence, LiveSpan span, TracedMethod method)
    {
        if (sequence is null || OpaqueValues.AreThere(sequence))
        {
            End(sequence, span, method);
            return sequence;
        }

        span.Leave();
        return new TracedSequence<T>(sequence, Once(new TracedIteration(method, span)));
    }

    /// <inheritdoc cref="EndSequence{T}(IEnumerable{T}, LiveSpan, TracedMethod)"/>
    public static IEnumerable? EndSequence(IEnumerable? sequence, LiveSpan span, TracedMethod method)
    {
        if (sequence is null || (sequence is ICollection && sequence is not IEnumerator))
        {
            End(sequence, span, method);
            return sequence;
        }

        span.Leave();
        return new TracedSequence<object?>(sequence.Cast<object?>(), Once(new TracedIteration(method, span)));
    }

    /// <summary>The method returns an asynchronous sequence, whose work is done when it is enumerated.</summary>
    public static IAsyncEnumerable<T>? EndSequence<T>(IAsyncEnumerable<T>? sequence, LiveSpan span, TracedMethod method)
    {
        if (sequence is null)
        {
            End(sequence, span, method);
            return sequence;
        }

        span.Leave();
        return new TracedAsyncSequence<T>(sequence, Once(new TracedIteration(method, span)));
    }

    /// <summary>A call that has begun goes on with the first enumeration; later ones have no span.</summary>
    private static Func<TracedIteration?> Once(TracedIteration? begun) => () => Interlocked.Exchange(ref begun, null);
}
