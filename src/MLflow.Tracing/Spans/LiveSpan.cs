using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MLflow;

/// <summary>
/// A span that is running. Dispose it to end it. All members may be called from any thread, none of them throws into your code,
/// and none has an effect after the end.
/// </summary>
public sealed partial class LiveSpan : IDisposable
{
    /// <summary>The span's processors run, which may still change it.</summary>
    private const int Ending = -1;
    private const int Ended = 1;

    /// <summary>Marks a span of a trace that is not recorded: as if it had ended, but for being current until it does.</summary>
    private const int Off = 2;

    // Also the lock of all that can change.
    private readonly List<KeyValuePair<string, AttributeValue>> _attributes = [];
    private readonly LiveSpan? _previous;
    private readonly bool _isCurrent;
    private List<SpanEvent>? _events;
    private List<SpanLink>? _links;

    // Boxed: few spans have any, and each would carry its four numbers twice.
    private StrongBox<TokenUsage>? _usage;
    private StrongBox<TokenUsage>? _usageBelow;
    private int _ended;

    internal LiveSpan(ActiveTrace trace, string name, string spanType, LiveSpan? parent, LiveSpan? previous, bool isCurrent, long startNs)
    {
        Trace = trace;
        Name = name;
        SpanType = spanType;
        Parent = parent;
        _previous = previous;
        _isCurrent = isCurrent;
        StartNs = startNs;
        if (trace.IsOff)
        {
            _ended = Off;
        }
        else
        {
            OtelSpanId = RandomId.Span();
        }
    }

    /// <summary>The same span without what it holds.</summary>
    private LiveSpan(ActiveTrace trace, string name, string spanType, LiveSpan? parent, ActivitySpanId otelSpanId, long startNs)
    {
        Trace = trace;
        Name = name;
        SpanType = spanType;
        Parent = parent;
        OtelSpanId = otelSpanId;
        StartNs = startNs;
    }

    /// <summary>For <see cref="ActiveTrace.Again"/>.</summary>
    internal LiveSpan(ActiveTrace trace, string name, string spanType, ActivitySpanId otelSpanId, long startNs)
        : this(trace, name, spanType, parent: null, otelSpanId, startNs)
    {
    }

    /// <summary>A copy for <see cref="Snapshot"/>.</summary>
    private LiveSpan(LiveSpan original)
        : this(original.Trace, original.Name, original.SpanType, original.Parent, original.OtelSpanId, original.StartNs)
    {
        StatusCode = original.StatusCode;
        StatusMessage = original.StatusMessage;
        IsWithoutContent = original.IsWithoutContent;
        _attributes.AddRange(original._attributes);
        _events = original._events is { } events ? [.. events] : null;
        _links = original._links is { } links ? [.. links] : null;
    }

    /// <summary>The trace's id: <c>tr-</c> and 32 hexadecimal digits.</summary>
    public string TraceId => Trace.TraceId;

    /// <summary>16 hexadecimal digits.</summary>
    public string SpanId => OtelSpanId.ToHexString();

    /// <summary>Id of the parent span; null for a root. It may be a span of another process (<see cref="Mlflow.UseTraceContext"/>).</summary>
    public string? ParentId => Parent?.SpanId ?? Trace.RemoteParent?.SpanId.ToHexString();

    /// <summary>The span's name.</summary>
    public string Name { get; private set; }

    /// <summary>One of <see cref="MLflow.SpanType"/>, or your own.</summary>
    public string SpanType { get; private set; }

    internal ActiveTrace Trace { get; }

    internal LiveSpan? Parent { get; }

    /// <summary>What makes this span stand for a model call that others may see too. Null for every other span.</summary>
    internal CallScope? Call { get; set; }

    internal ActivitySpanId OtelSpanId { get; }

    /// <summary>Nanoseconds since the Unix epoch.</summary>
    internal long StartNs { get; }

    /// <summary>Nanoseconds since the Unix epoch; 0 while the span runs.</summary>
    internal long EndNs { get; private set; }

    /// <summary>How the work ended, as far as it was said. <see cref="SpanStatusCode.Unset"/> becomes <see cref="SpanStatusCode.Ok"/> at the end.</summary>
    public SpanStatusCode StatusCode { get; private set; }

    /// <summary>What went wrong, where <see cref="StatusCode"/> is <see cref="SpanStatusCode.Error"/> and it was said.</summary>
    public string? StatusMessage { get; private set; }

    internal TokenUsage? Usage => _usage?.Value;

    /// <summary>Usage of the ended spans below this one. The trace's own, under its lock, as is <see cref="IsCounted"/>.</summary>
    internal TokenUsage? UsageBelow
    {
        get => _usageBelow?.Value;
        set => _usageBelow = value is { } usage ? new StrongBox<TokenUsage>(usage) : null;
    }

    /// <summary>The trace has taken note of the span's end.</summary>
    internal bool IsCounted { get; set; }

    /// <summary>The server was told that the span runs. The trace's own, under its lock.</summary>
    internal bool IsAnnounced { get; set; }

    internal bool HasEnded => Volatile.Read(ref _ended) > 0;

    /// <summary>Ends the span now.</summary>
    public void Dispose() => End();

    /// <summary>Ends the span now. A second call has no effect.</summary>
    public void End() => EndAt(Trace.NowNs());

    /// <summary>Ends the span as of a time: for work that was over before it could be told. One before the span's start is taken as its start.</summary>
    public void End(DateTimeOffset endTime) => EndAt(UnixNano.Of(endTime));

    /// <summary>
    /// The span as it stands, without an end and without chunks, to be redacted and encoded while the program goes on with its own. It is not counted by the trace.
    /// </summary>
    /// <param name="lease">What <see cref="AttributeNames.Lease"/> shall say, where it shall.</param>
    internal LiveSpan Snapshot(TimeSpan? lease = null)
    {
        lock (_attributes)
        {
            return new LiveSpan(this).With(lease);
        }
    }

    /// <summary>The same without what the span holds: however much that is, it can be said often.</summary>
    internal LiveSpan Beat(TimeSpan lease) => new LiveSpan(Trace, Name, SpanType, Parent, OtelSpanId, StartNs).With(lease);

    private LiveSpan With(TimeSpan? lease)
    {
        if (lease is { } time)
        {
            _attributes.Add(new(AttributeNames.Lease, AttributeValue.FromInt64((long)time.TotalMilliseconds)));
        }

        return this;
    }

    /// <summary>Stops being the current span of this flow without ending.</summary>
    internal void Leave()
    {
        if (_isCurrent)
        {
            Trace.Tracer.Leave(this, _previous);
        }
    }

    /// <summary>Gives the span another name, for work that is known only afterwards. Without effect after the end.</summary>
    internal void Rename(string name)
    {
        lock (_attributes)
        {
            if (!HasEnded)
            {
                Name = name;
            }
        }
    }

    /// <param name="endNs">Nanoseconds since the Unix epoch.</param>
    /// <param name="inBackground">The calling thread is not the program's.</param>
    internal void EndAt(long endNs, bool inBackground = false)
    {
        if (Interlocked.CompareExchange(ref _ended, Ending, 0) != 0)
        {
            // It may have been ended by another flow; in this one it is current until now.
            Leave();
            return;
        }

        if (Trace.Outlet.Processing is { IsOn: true } processing)
        {
            EndNs = Math.Max(endNs, StartNs);
            processing.Run(this);
        }

        lock (_attributes)
        {
            Volatile.Write(ref _ended, Ended);
            EndNs = Math.Max(endNs, StartNs);
            if (StatusCode == SpanStatusCode.Unset)
            {
                StatusCode = SpanStatusCode.Ok;
            }
        }

        Leave();
        if (SpanMirror.Any)
        {
            SpanMirror.End(this);
        }

        Trace.SpanEnded(this, inBackground);
    }

    /// <summary>The chunks of a stream, which are events too; see <see cref="AllEvents"/>.</summary>
    internal ChunkLog? Chunks { get; private set; }

    /// <summary>Only what happened is recorded of it, not what was said; see <see cref="CaptureMode.Metadata"/>.</summary>
    internal bool IsWithoutContent { get; set; }

    /// <summary>The call that the span stands for, where it is not recorded in this process; then the span has nothing else. Null for every other span.</summary>
    internal PlainCall? Plain { get; set; }

    /// <summary>The span was encoded: nobody reads its chunks any more.</summary>
    internal void ReleaseChunks()
    {
        Chunks?.Release();
        Chunks = null;
    }

    /// <summary>As <see cref="ReleaseChunks"/>, for the call.</summary>
    internal void ReleasePlain()
    {
        Plain?.Dispose();
        Plain = null;
    }

    /// <summary>Attributes and events as they stand. After the end they no longer change, so the exporter reads without copying.</summary>
    internal IReadOnlyList<KeyValuePair<string, AttributeValue>> EndedAttributes => _attributes;

    /// <summary><see cref="EndedAttributes"/>, to be read without a copy of each.</summary>
    internal ReadOnlySpan<KeyValuePair<string, AttributeValue>> EndedAttributeSpan => CollectionsMarshal.AsSpan(_attributes);

    /// <summary>The attributes of an ended span, for privacy rules to change before it is encoded, on the thread that encodes it.</summary>
    internal List<KeyValuePair<string, AttributeValue>> RewritableAttributes => _attributes;

    /// <inheritdoc cref="RewritableAttributes"/>
    internal List<SpanEvent>? RewritableEvents => _events;

    /// <inheritdoc cref="RewritableAttributes"/>
    internal List<SpanLink>? RewritableLinks => _links;

    /// <inheritdoc cref="RewritableAttributes"/>
    internal void Rewrite(string name, string spanType, string? statusMessage) => (Name, SpanType, StatusMessage) = (name, spanType, statusMessage);

    /// <summary>Without the <see cref="Chunks"/>.</summary>
    internal IReadOnlyList<SpanEvent> EndedEvents => _events ?? (IReadOnlyList<SpanEvent>)[];

    internal IReadOnlyList<SpanLink> EndedLinks => _links ?? (IReadOnlyList<SpanLink>)[];

    /// <summary>The events and, as events, the chunks.</summary>
    internal IEnumerable<SpanEvent> AllEvents => Chunks is null ? EndedEvents : EndedEvents.Concat(Chunks.ToEvents());
}
