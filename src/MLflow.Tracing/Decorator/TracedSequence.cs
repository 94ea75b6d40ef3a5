using System.Collections;

namespace MLflow;

/// <summary>A sequence whose enumerations are spans.</summary>
/// <param name="source">What the method gave.</param>
/// <param name="begin">Makes the span of an enumeration; null for one that has none.</param>
internal sealed class TracedSequence<T>(IEnumerable<T> source, Func<TracedIteration?> begin) : IEnumerable<T>, ITracedSequence
{
    public Func<object, object?>? Reducer { get; set; }

    public IEnumerator<T> GetEnumerator() => begin() is { } iteration ? new TracedEnumerator<T>(source, iteration) { Reducer = Reducer } : source.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
