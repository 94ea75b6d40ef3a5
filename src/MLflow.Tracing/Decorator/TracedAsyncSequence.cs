namespace MLflow;

/// <summary>An asynchronous sequence each of whose enumerations is a span. As <see cref="TracedSequence{T}"/>.</summary>
internal sealed class TracedAsyncSequence<T> : IAsyncEnumerable<T>, ITracedSequence
{
    private readonly IAsyncEnumerable<T> _source;
    private readonly TracedMethod _method;
    private readonly object?[]? _arguments;
    private TracedIteration? _begun;

    public TracedAsyncSequence(IAsyncEnumerable<T> source, TracedMethod method, object?[]? arguments)
    {
        _source = source;
        _method = method;
        _arguments = arguments;
    }

    public TracedAsyncSequence(IAsyncEnumerable<T> source, TracedMethod method, LiveSpan span)
    {
        _source = source;
        _method = method;
        _begun = new TracedIteration(method, span);
        IsBegun = true;
    }

    public Func<object, object?>? Reducer { get; set; }

    private bool IsBegun { get; }

    public IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        var iteration = IsBegun ? Interlocked.Exchange(ref _begun, null) : new TracedIteration(_method, _arguments);
        var source = _source.GetAsyncEnumerator(cancellationToken);
        return iteration is null ? source : new TracedAsyncEnumerator<T>(source, iteration) { Reducer = Reducer };
    }
}
