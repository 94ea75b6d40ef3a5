namespace MLflow;

/// <summary>As <see cref="TracedSequence{T}"/>, asynchronously.</summary>
/// <param name="source">What the method gave.</param>
/// <param name="begin">Makes the span of an enumeration; null for one that has none.</param>
internal sealed class TracedAsyncSequence<T>(IAsyncEnumerable<T> source, Func<TracedIteration?> begin) : IAsyncEnumerable<T>, ITracedSequence
{
    public Func<object, object?>? Reducer { get; set; }

    public IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        var iteration = begin();
        var enumerator = source.GetAsyncEnumerator(cancellationToken);
        return iteration is null ? enumerator : new TracedAsyncEnumerator<T>(enumerator, iteration) { Reducer = Reducer };
    }
}
