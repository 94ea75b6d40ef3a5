using System.Diagnostics;

namespace MLflow;

/// <summary>
/// The span of one enumeration of what a traced method gave. It is current only while the iterator's own code runs, not in the program between
/// two elements; each element is an event, and all of them are the output.
/// </summary>
internal sealed class TracedIteration
{
    // What comes after them is counted and not kept.
    private const int MaxItems = 10_000;
    private const int MaxItemBytes = 4 << 20;

    private readonly Tracer _tracer;
    private readonly TracedMethod _method;
    private readonly object?[]? _arguments;
    private readonly List<SpanEvent> _items = [];
    private object? _elements;
    private LiveSpan? _span;
    private LiveSpan? _inside;
    private Activity? _insideActivity;
    private Activity? _outsideActivity;
    private bool _hasExchanged;
    private int _count;
    private int _itemBytes;
    private int _ended;

    /// <summary>One that begins with the first element that is asked for.</summary>
    public TracedIteration(Tracer tracer, TracedMethod method, object?[]? arguments)
    {
        _tracer = tracer;
        _method = method;
        _arguments = arguments;

        // Made in the flow of whoever enumerates; the span is not always.
        tracer.WatchFlow();
    }

    /// <summary>One whose span began when the method was called.</summary>
    public TracedIteration(TracedMethod method, LiveSpan span)
    {
        _tracer = span.Trace.Tracer;
        _method = method;
        _span = span;
        _inside = span;
    }

    ~TracedIteration()
    {
        // Left without being disposed. The end takes locks, which is not for this thread to wait for.
        if (_span is not null)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static iteration => iteration.End(StreamEnds.Dropped), this, preferLocal: false);
        }
    }

    /// <summary>As <see cref="ITracedSequence.Reducer"/>.</summary>
    public Func<object, object?>? Reducer { get; set; }

    /// <summary>False as long as nothing was asked of it.</summary>
    public bool HasBegun => _span is not null;

    /// <summary>The iterator's code is about to run.</summary>
    /// <returns>The current span of the program, for <see cref="Leave"/>.</returns>
    public LiveSpan? Enter()
    {
        if (Volatile.Read(ref _ended) != 0)
        {
            // What it does now belongs to the program.
            return _tracer.Current;
        }

        if (_span is null && !TryBegin())
        {
            return _tracer.Current;
        }

        if (SpanMirror.Any)
        {
            _hasExchanged = true;
            _outsideActivity = Activity.Current;
            Activity.Current = _insideActivity ?? SpanMirror.ActivityOf(_span!) ?? _outsideActivity;
        }

        return _tracer.Exchange(_inside);
    }

    /// <summary>The iterator's code has run. What it made current is current again when it goes on.</summary>
    public void Leave(LiveSpan? outside)
    {
        _inside = _tracer.Exchange(outside);
        if (_hasExchanged)
        {
            _hasExchanged = false;
            _insideActivity = Activity.Current;
            Activity.Current = _outsideActivity;
        }
    }

    /// <summary>Records an element. Never throws.</summary>
    public void Add<T>(T item)
    {
        _count++;
        if (!_method.CapturesOutput || _span is null or { HasEnded: true } || _items.Count >= MaxItems || _itemBytes >= MaxItemBytes)
        {
            return;
        }

        try
        {
            if (Reducer is not null)
            {
                ((List<T>)(_elements ??= new List<T>())).Add(item);
            }

            var value = CallValues.Encode(item);
            _itemBytes += value.Size;
            _items.Add(new SpanEvent(ChunkLog.EventName(_items.Count), _span.Trace.NowNs(), [new(AttributeNames.ChunkValue, value)]));
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Counted as left out.
        }
    }

    /// <summary>The iterator's code threw.</summary>
    public void Fail(Exception exception)
    {
        if (_span is not null)
        {
            TracedCall.RecordFailure(_span, exception);
        }

        End(exception is OperationCanceledException ? StreamEnds.Cancelled : null);
    }

    /// <summary>Ends the span. Only the first call has an effect.</summary>
    /// <param name="how">One of <see cref="StreamEnds"/>; null where the exception says it.</param>
    public void End(string? how)
    {
        if (_span is not { } span || Interlocked.Exchange(ref _ended, 1) != 0)
        {
            return;
        }

#pragma warning disable CA1816 // This is what disposes of it.
        GC.SuppressFinalize(this);
#pragma warning restore CA1816
        try
        {
            Record(span, how);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The span still ends.
        }

        span.End();
    }

    /// <summary>False where there can be no span: the program's code runs without one, then and later.</summary>
    private bool TryBegin()
    {
        try
        {
            _span = _tracer.StartDetached(_method.Name, _method.SpanType, _tracer.Current, samplingRatio: _method.Options?.SamplingRatio);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            TracedCall.Broken(e);
            _ended = 1;
            return false;
        }

        _inside = _span;
        TracedCall.Describe(_span, _method, _arguments);
        return true;
    }

    private void Record(LiveSpan span, string? how)
    {
        foreach (var item in _items)
        {
            span.AddEvent(item);
        }

        span.SetAttribute(AttributeNames.ChunkCount, AttributeValue.FromInt64(_count));
        if (_method.CapturesOutput && _count > _items.Count)
        {
            span.SetAttribute(AttributeNames.ChunksOmitted, AttributeValue.FromInt64(_count - _items.Count));
        }

        if (how is not null)
        {
            span.SetAttribute(AttributeNames.StreamEnd, AttributeValue.FromString(how));
        }

        // As with other calls, one that failed has no output; its elements are events.
        if (_method.CapturesOutput && !span.HasOutputs && span.StatusCode != SpanStatusCode.Error)
        {
            span.SetAttribute(AttributeNames.Outputs, Output(span));
        }
    }

    private AttributeValue Output(LiveSpan span)
    {
        try
        {
            if (Reducer is not null && _elements is not null)
            {
                return CallValues.Encode(Reducer(_elements));
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            span.SetAttribute(AttributeNames.CaptureNote, AttributeValue.FromString($"The output reducer threw {e.GetType().Name}: {ExceptionText.MessageOf(e)}"));
        }

        return CallValues.EncodeArray(_items.Select(item => item.Attributes[0].Value));
    }
}
