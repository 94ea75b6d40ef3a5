using System.Globalization;
using System.Text.Json;
using MLflow.Server.Pricing;
using MLflow.Server.Traces;
using MLflow.Server.Ui.Formatting;

namespace MLflow.Server.Ui.Spans;

/// <summary>A span as the page reads it: times from the start of the trace, figures out of attributes. Nothing in it can make the page fail.</summary>
public sealed class SpanView
{
    // MLflow 3.6 and 3.8 write microseconds into event times (mlflow-protocol: SpanEvent.timestamp); no real nanosecond time is so small.
    private const long SmallestNanoseconds = 100_000_000_000_000_000;
    private readonly long _originNs;

    // Of the many spans of a large trace only those on the screen are read as a whole.
    private (string? Value, bool IsRead) _model;
    private (double? Value, bool IsRead) _firstTokenMs;
    private (SpanError? Value, bool IsRead) _error;
    private JsonElement? _inputs;
    private JsonElement? _outputs;
    private IReadOnlyList<Attempt>? _attempts;

    /// <summary>Reads a span.</summary>
    /// <param name="record">The span as stored.</param>
    /// <param name="originNs">Start of the trace, nanoseconds since the Unix epoch.</param>
    public SpanView(SpanRecord record, long originNs)
    {
        Record = record;
        _originNs = originNs;
        Kind = KindOf(record.Type);
        StartMs = (record.StartNs - originNs) / 1e6;
        EndMs = record.EndNs is { } end ? Math.Max(StartMs, (end - originNs) / 1e6) : null;
        if (record.IsSkeleton)
        {
            // As they stand in columns. Most steps have none of it.
            var columns = record.Attributes as SkeletonColumns;
            (_model, _firstTokenMs) = ((columns?.Model, true), (Within(columns?.FirstTokenMs), true));
            StreamEnd = Ended(columns?.StreamEnd);
            (InputTokens, OutputTokens, CachedTokens, Cost) = (columns?.Tokens.Input, columns?.Tokens.Output, columns?.Tokens.CachedInput, columns?.Cost);
            IsCounted = columns?.Tokens.Any == true || Cost is not null;
            return;
        }

        StreamEnd = Ended(TolerantJson.Unquote(record[AttributeNames.StreamEnd]));
        // Read as the store reads them, so that both come to the same sum.
        var tokens = TokenCounts.Parse(record[AttributeNames.TokenUsage]);
        (InputTokens, OutputTokens, CachedTokens) = (tokens.Input, tokens.Output, tokens.CachedInput);
        var usage = TolerantJson.Parse(record[AttributeNames.TokenUsage]);
        ReasoningTokens = usage.Number("reasoning_tokens") ?? usage.Number("reasoning");
        Cost = CallCost.Parse(record[AttributeNames.Cost]);
        IsCounted = tokens.Any || Cost is not null;
        var basis = TolerantJson.Parse(record[AttributeNames.CostBasis]);
        WhyUnpriced = Cost is null && basis.Text("unknown") is { } unknown ? CostWords.Of(unknown) : null;
        CostNotes = [.. basis.Member("notes").Items().Select(note => TolerantJson.Unquote(note.GetRawText())).OfType<string>().Select(CostWords.Of)];
    }

    public SpanRecord Record { get; }

    public SpanKind Kind { get; }

    /// <summary>Milliseconds from the start of the trace.</summary>
    public double StartMs { get; }

    /// <summary>Milliseconds from the start of the trace; null while the span runs.</summary>
    public double? EndMs { get; }

    /// <summary>Milliseconds; null while the span runs.</summary>
    public double? DurationMs => EndMs - StartMs;

    /// <summary>Milliseconds from the start of the span to the first token of a stream; null when nothing was streamed.</summary>
    public double? FirstTokenMs => (_firstTokenMs = _firstTokenMs.IsRead ? _firstTokenMs : (ReadFirstToken(), true)).Value;

    /// <summary>How the stream ended when it did not end by itself: one of <see cref="StreamEnds"/>.</summary>
    public string? StreamEnd { get; }

    public JsonElement Inputs => _inputs ??= TolerantJson.Parse(Record[AttributeNames.Inputs]);

    public JsonElement Outputs => _outputs ??= TolerantJson.Parse(Record[AttributeNames.Outputs]);

    public string? Model => (_model = _model.IsRead ? _model : (TolerantJson.Unquote(Record[AttributeNames.Model]) ?? TolerantJson.Unquote(Record["model"]) ?? Inputs.Text("model"), true)).Value;

    public long? InputTokens { get; }

    public long? OutputTokens { get; }

    public long? CachedTokens { get; }

    public long? ReasoningTokens { get; }

    /// <summary>Null where it is not known.</summary>
    public CallCost? Cost { get; }

    /// <summary>Why the cost of a call is not known, or null.</summary>
    public string? WhyUnpriced { get; }

    /// <summary>What the cost assumes.</summary>
    public IReadOnlyList<string> CostNotes { get; } = [];

    /// <summary>It used something that is paid for.</summary>
    public bool IsCounted { get; }

    public SpanError? Error => (_error = _error.IsRead ? _error : (ReadError(), true)).Value;

    public IReadOnlyList<Attempt> Attempts => _attempts ??= Record.Events.Count == 0 ? [] : ReadAttempts();

    public bool IsModelCall => Kind == SpanKind.Model;

    public bool IsFailed => Record.Status == SpanStatus.Error;

    /// <summary>What people call the step: a model call by its model, everything else by its name.</summary>
    public string Title => IsModelCall && !string.IsNullOrEmpty(Model) ? Model : Record.Name;

    /// <summary>Milliseconds from the start of the span; tolerates times in microseconds.</summary>
    public double EventMs(SpanEventRecord @event) =>
        ((@event.TimeNs is > 0 and < SmallestNanoseconds ? @event.TimeNs * 1000 : @event.TimeNs) - _originNs) / 1e6 - StartMs;

    /// <summary>The finish reason of the first choice, or null.</summary>
    public string? FinishReason =>
        Outputs.Member("choices").Items().Select(choice => choice.Text("finish_reason")).FirstOrDefault(reason => reason is not null)
        ?? TolerantJson.Unquote(Record[AttributeNames.FinishReason]);

    /// <summary>The first argument of a tool, or what a retriever looked for: short enough to stand beside the name.</summary>
    public string? FirstArgument
    {
        get
        {
            if (Kind is not (SpanKind.Tool or SpanKind.Retriever))
            {
                return null;
            }

            var value = Inputs.ValueKind == JsonValueKind.Object ? Inputs.Members().Select(member => member.Value).FirstOrDefault() : Inputs;
            return value.ValueKind switch
            {
                JsonValueKind.String => PreviewText.Cut(value.GetString()!, 40),
                JsonValueKind.Number => value.GetRawText(),
                _ => null,
            };
        }
    }

    private static string? Ended(string? streamEnd) => streamEnd == StreamEnds.Completed ? null : streamEnd;

    private static SpanKind KindOf(string type) => type switch
    {
        SpanType.ChatModel or SpanType.Llm => SpanKind.Model,
        SpanType.Agent or SpanType.Chain or SpanType.Workflow => SpanKind.Agent,
        SpanType.Tool => SpanKind.Tool,
        SpanType.Retriever or SpanType.Reranker or SpanType.Parser => SpanKind.Retriever,
        SpanType.Embedding => SpanKind.Embedding,
        _ => SpanKind.Other,
    };

    private static string? Attribute(SpanEventRecord @event, string name)
    {
        foreach (var (key, value) in @event.Attributes)
        {
            if (key == name)
            {
                return TolerantJson.Unquote(value);
            }
        }

        return null;
    }

    private static double? Figure(SpanEventRecord @event, string name) =>
        double.TryParse(Attribute(@event, name), NumberStyles.Float, CultureInfo.InvariantCulture, out var figure) && double.IsFinite(figure) ? figure : null;

    private SpanError? ReadError()
    {
        // The last one is what the caller saw.
        var exception = Record.Events.LastOrDefault(e => e.Name == AttributeNames.ExceptionEvent);
        if (exception is not null)
        {
            return new SpanError(
                Attribute(exception, AttributeNames.ExceptionType),
                Attribute(exception, AttributeNames.ExceptionMessage) ?? Record.StatusMessage ?? "",
                Attribute(exception, AttributeNames.ExceptionStackTrace),
                EventMs(exception));
        }

        return IsFailed ? new SpanError(null, string.IsNullOrEmpty(Record.StatusMessage) ? Words.T("failed without a message") : Record.StatusMessage, null, null) : null;
    }

    private double? ReadFirstToken()
    {
        if (double.TryParse(TolerantJson.Unquote(Record[AttributeNames.TimeToFirstToken]), NumberStyles.Float, CultureInfo.InvariantCulture, out var figure) && figure >= 0 && double.IsFinite(figure))
        {
            return Within(figure);
        }

        var first = Record.Events.FirstOrDefault(e => e.Name.StartsWith(AttributeNames.ChunkEventPrefix, StringComparison.Ordinal));
        return first is not null && EventMs(first) is var at && at >= 0 && (DurationMs is null || at <= DurationMs) ? at : null;
    }

    private double? Within(double? ms) => DurationMs is { } duration && ms is { } figure ? Math.Min(figure, duration) : ms;

    private List<Attempt> ReadAttempts()
    {
        var attempts = new List<Attempt>();
        foreach (var @event in Record.Events.Where(e => e.Name == AttributeNames.AttemptEvent))
        {
            attempts.Add(new Attempt
            {
                Number = (int)(Figure(@event, AttributeNames.AttemptNumber) ?? attempts.Count + 1),
                StartMs = Math.Max(0, EventMs(@event)),
                DurationMs = Figure(@event, AttributeNames.AttemptDuration),
                Status = (long?)Figure(@event, AttributeNames.HttpStatus),
                RequestId = Attribute(@event, AttributeNames.RequestId),
                RetryAfterMs = Figure(@event, AttributeNames.AttemptRetryAfter),
                IsReconnect = Attribute(@event, AttributeNames.AttemptReconnect) == "true",
                Error = Attribute(@event, AttributeNames.ExceptionType) is { } type ? $"{type}: {Attribute(@event, AttributeNames.ExceptionMessage)}" : null,
                More = [.. @event.Attributes
                    .Where(a => a.Key is not (AttributeNames.AttemptNumber or AttributeNames.AttemptDuration or AttributeNames.AttemptRetryAfter or AttributeNames.HttpStatus or AttributeNames.RequestId
                        or AttributeNames.ExceptionType or AttributeNames.ExceptionMessage))
                    .Select(a => KeyValuePair.Create(a.Key, TolerantJson.Unquote(a.Value) ?? ""))],
            });
        }

        return attempts;
    }
}
