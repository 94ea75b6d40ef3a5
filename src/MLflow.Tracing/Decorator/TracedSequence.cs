using System.Collections;

namespace MLflow;

/// <summary>A sequence each of whose enumerations is a span.</summary>
internal sealed class TracedSequence<T> : IEnumerable<T>, ITracedSequence
{
    private readonly IEnumerable<T> _source;
    private readonly TracedMethod _method;
    private readonly object?[]? _arguments;
    private TracedIteration? _begun;

    /// <summary>The method does its work when it is enumerated: each enumeration is a call.</summary>
    public TracedSequence(IEnumerable<T> source, TracedMethod method, object?[]? arguments)
    {
        _source = source;
        _method = method;
        _arguments = arguments;
    }

    /// <summary>The method has begun its work: its span goes on with the first enumeration, and later ones have none.</summary>
    public TracedSequence(IEnumerable<T> source, TracedMethod method, LiveSpan span)
    {
        _source = source;
        _method = method;
        _begun = new TracedIteration(method, span);
        IsBegun = true;
    }

    public Func<object, object?>? Reducer { get; set; }

    private bool IsBegun { get; }

    public IEnumerator<T> GetEnumerator()
    {
        var iteration = IsBegun ? Interlocked.Exchange(ref _begun, null) : new TracedIteration(_method, _arguments);
        return iteration is null ? _source.GetEnumerator() : new TracedEnumerator<T>(_source, iteration) { Reducer = Reducer };
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
