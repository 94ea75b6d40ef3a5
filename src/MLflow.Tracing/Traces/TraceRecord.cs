using System.Text;

namespace MLflow;

/// <summary>A stored trace, read back.</summary>
/// <example>
/// The calls of a trace become the fixture of a test, which then needs neither key nor network:
/// <code>
/// var trace = TraceRecord.Parse(File.ReadAllText("answer.trace.json"));
/// using var http = new HttpClient(trace.CreateReplayHandler());
/// var options = new OpenAIClientOptions { Transport = new HttpClientPipelineTransport(http) };
/// var client = new ChatClient("gpt-4o-mini", new ApiKeyCredential("unused"), options);
/// </code>
/// </example>
public sealed class TraceRecord
{
    private readonly Lazy<IReadOnlyList<RecordedExchange>> _exchanges;

    internal TraceRecord() => _exchanges = new(() => ExchangeReader.ReadAll(Spans));

    /// <summary>The trace's id, <c>tr-…</c>; in Unity Catalog <c>trace:/catalog.schema/…</c></summary>
    public string TraceId { get; internal init; } = "";

    /// <summary>Id that the program gave to its request; null where it gave none.</summary>
    public string? ClientRequestId { get; internal init; }

    /// <summary>The experiment that the trace lies in; null where the text does not say.</summary>
    public string? ExperimentId { get; internal init; }

    /// <summary>MLflow's name of the state: <c>OK</c>, <c>ERROR</c>, <c>IN_PROGRESS</c> or <c>STATE_UNSPECIFIED</c>.</summary>
    public string State { get; internal init; } = "";

    /// <summary>When the trace began.</summary>
    public DateTimeOffset RequestTime { get; internal init; }

    /// <summary>How long it took; null while it runs.</summary>
    public TimeSpan? Duration { get; internal init; }

    /// <summary>Beginning of what went in, for people.</summary>
    public string? RequestPreview { get; internal init; }

    /// <summary>Beginning of what came out, for people.</summary>
    public string? ResponsePreview { get; internal init; }

    /// <summary>Facts that do not change.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; internal init; } = new Dictionary<string, string>();

    /// <summary>Tags, which may change.</summary>
    public IReadOnlyDictionary<string, string> Tags { get; internal init; } = new Dictionary<string, string>();

    /// <summary>Feedback and expectations on the trace and its spans, the oldest first; those that others replace are among them (<see cref="Assessment.IsValid"/>).</summary>
    public IReadOnlyList<Assessment> Assessments { get; internal init; } = [];

    /// <summary>The spans in the order of the text; the server's answers have the root first.</summary>
    public IReadOnlyList<TraceSpan> Spans { get; internal init; } = [];

    /// <summary>The same trace with its spans.</summary>
    internal TraceRecord With(IReadOnlyList<TraceSpan> spans) => new()
    {
        TraceId = TraceId,
        ClientRequestId = ClientRequestId,
        ExperimentId = ExperimentId,
        State = State,
        RequestTime = RequestTime,
        Duration = Duration,
        RequestPreview = RequestPreview,
        ResponsePreview = ResponsePreview,
        Metadata = Metadata,
        Tags = Tags,
        Assessments = Assessments,
        Spans = spans,
    };

    /// <summary>
    /// The HTTP exchanges of the trace in the order of their beginning, written out again from its spans: one for each call that
    /// <c>Mlflow.OpenAI.Autolog()</c> recorded. Of a call that was tried several times it is the last try; the others are events of its span only.
    /// </summary>
    public IReadOnlyList<RecordedExchange> Exchanges => _exchanges.Value;

    /// <summary>
    /// Reads one trace: the answer of the server's API (<c>traces/get</c>, <c>traces/batchGet</c>), <c>traces.json</c>, or what Python's <c>Trace.to_json()</c> gives.
    /// </summary>
    /// <exception cref="FormatException">The text is no trace, or holds more than one.</exception>
    public static TraceRecord Parse(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        return Parse(Encoding.UTF8.GetBytes(json));
    }

    /// <inheritdoc cref="Parse(string)"/>
    /// <param name="utf8Json">The text in UTF-8.</param>
    public static TraceRecord Parse(ReadOnlyMemory<byte> utf8Json) => TraceReader.Read(utf8Json) switch
    {
        [var trace] => trace,
        var traces => throw new FormatException($"The text holds {traces.Count} traces, not one: read it with ParseAll."),
    };

    /// <summary>Reads all traces of a text in one of the forms that <see cref="Parse(string)"/> reads.</summary>
    /// <exception cref="FormatException">The text holds no traces.</exception>
    public static IReadOnlyList<TraceRecord> ParseAll(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        return TraceReader.Read(Encoding.UTF8.GetBytes(json));
    }

    /// <summary>
    /// A handler for the HttpClient of a test: it answers each request as it was answered when the trace was made, and never touches the network. Each
    /// exchange answers once, the first that fits goes first.
    /// </summary>
    /// <param name="options">How requests are matched and whether the recorded times are kept; null for the defaults.</param>
    /// <returns>
    /// A handler that throws <see cref="InvalidOperationException"/> for a request which the trace does not have; the message says which were expected and
    /// where the request first differs.
    /// </returns>
    /// <exception cref="InvalidOperationException">The trace has no exchanges.</exception>
    public HttpMessageHandler CreateReplayHandler(TraceReplayOptions? options = null) => Exchanges.Count > 0
        ? new TraceReplayHandler(TraceId, Exchanges, options ?? new TraceReplayOptions())
        : throw new InvalidOperationException($"Trace {TraceId} has no calls that could be replayed: none of its {Spans.Count} spans was recorded by Mlflow.OpenAI.Autolog().");

    /// <summary>The span that has no parent; the first of them where there are several. Null where the trace was read without spans.</summary>
    public TraceSpan? Root => Spans.FirstOrDefault(span => span.ParentId is null) ?? (Spans is [var first, ..] ? first : null);

    /// <summary>Spans of this name, of this type, or of both.</summary>
    /// <param name="name">The name. Null: any.</param>
    /// <param name="spanType">One of <see cref="SpanType"/>, or your own. Null: any.</param>
    /// <returns>In the order of <see cref="Spans"/>; none where nothing fits.</returns>
    public IReadOnlyList<TraceSpan> FindSpans(string? name = null, string? spanType = null) =>
        [.. Spans.Where(span => (name is null || span.Name == name) && (spanType is null || span.SpanType == spanType))];

    /// <summary>The one span of this name, of this type, or of both.</summary>
    /// <inheritdoc cref="FindSpans" path="/param"/>
    /// <exception cref="InvalidOperationException">There is none, or more than one; the message shows the trace.</exception>
    public TraceSpan GetSpan(string? name = null, string? spanType = null) => FindSpans(name, spanType) switch
    {
        [var span] => span,
        var spans => throw new InvalidOperationException(
            $"{spans.Count} spans{(name is null ? "" : $" have the name '{name}'")}{(name is null || spanType is null ? "" : " and")}{(spanType is null ? "" : $" have the type {spanType}")}, not one:{Environment.NewLine}{this}"),
    };

    /// <summary>The span that this one is part of; null for a root, or where the trace lacks it.</summary>
    public TraceSpan? ParentOf(TraceSpan span)
    {
        ArgumentNullException.ThrowIfNull(span);
        return span.ParentId is { } id ? Spans.FirstOrDefault(other => other.SpanId == id) : null;
    }

    /// <summary>The spans that are directly part of this one, in the order of their beginning.</summary>
    public IReadOnlyList<TraceSpan> ChildrenOf(TraceSpan span)
    {
        ArgumentNullException.ThrowIfNull(span);
        return [.. Spans.Where(other => other.ParentId == span.SpanId).OrderBy(other => other.StartNs)];
    }

    /// <summary>Id and state and, where the spans are there, their tree: names, types, errors.</summary>
    public override string ToString() => TraceTree.Write(this);
}
