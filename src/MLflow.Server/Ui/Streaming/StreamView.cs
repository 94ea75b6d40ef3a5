using System.Globalization;
using System.Text;
using System.Text.Json;
using MLflow.Server.Traces;
using MLflow.Server.Ui.Formatting;
using MLflow.Server.Ui.Spans;
using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.Streaming;

/// <summary>A streamed answer as it arrived.</summary>
public sealed class StreamView
{
    /// <summary>A pause that a reader notices, in milliseconds.</summary>
    public const double StallMs = 80;

    private StreamView(SpanView span, IReadOnlyList<StreamChunk> chunks)
    {
        Chunks = chunks;
        FirstTokenMs = Math.Max(0, span.FirstTokenMs ?? chunks[0].AtMs);
        EndMs = Math.Max(span.DurationMs ?? 0, chunks[^1].AtMs);
        End = span.StreamEnd;
        FinishReason = span.FinishReason;
        IsFailed = span.IsFailed;
        Omitted = long.TryParse(TolerantJson.Unquote(span.Record[AttributeNames.ChunksOmitted]), NumberStyles.Integer, CultureInfo.InvariantCulture, out var omitted) ? omitted : 0;

        var gaps = chunks.Skip(1).Select(chunk => chunk.GapMs).Order().ToList();
        MedianGapMs = gaps.Count == 0 ? null : gaps[gaps.Count / 2];
        LongestStall = chunks.Skip(1).Where(chunk => chunk.GapMs > StallMs).MaxBy(chunk => chunk.GapMs);
    }

    public IReadOnlyList<StreamChunk> Chunks { get; }

    /// <summary>Milliseconds from the start of the span.</summary>
    public double FirstTokenMs { get; }

    /// <summary>Milliseconds from the start of the span.</summary>
    public double EndMs { get; }

    /// <summary>Null when it ended by itself.</summary>
    public string? End { get; }

    public string? FinishReason { get; }

    public bool IsFailed { get; }

    /// <summary>Chunks that were merged into the output but not kept one by one.</summary>
    public long Omitted { get; }

    public double? MedianGapMs { get; }

    /// <summary>The chunk that came after the longest pause over <see cref="StallMs"/>, or null.</summary>
    public StreamChunk? LongestStall { get; }

    public long Bytes => Chunks.Sum(chunk => (long)chunk.Bytes);

    public int ContentChunks => Chunks.Count(chunk => chunk.HasTokens);

    /// <summary>Broke off: cut by the server or failed.</summary>
    public bool IsBroken => StreamEnds.IsCut(End) || (IsFailed && End is null);

    /// <summary>Chunks with content for each second between first token and end; null where the time is too short to tell.</summary>
    public double? ChunksPerSecond => EndMs - FirstTokenMs >= 1 && ContentChunks > 1 ? ContentChunks / ((EndMs - FirstTokenMs) / 1000) : null;

    /// <summary>How it ended, in words.</summary>
    public string EndWords => End switch
    {
        StreamEnds.TimedOut => T("timed out"),
        StreamEnds.ConnectionLost => T("connection lost"),
        StreamEnds.ServerError => T("failed in mid-stream"),
        _ when StreamEnds.IsCut(End) => T("cut by the server"),
        _ when StreamEnds.IsStoppedByProgram(End) => T("stopped by the app"),
        not null => End,
        _ when IsFailed => T("failed in mid-stream"),
        _ => FinishReason is null ? T("no finish reason") : T("finish {0}", FinishReason),
    };

    /// <summary>Reads the stream of a span; null when no chunk was kept.</summary>
    public static StreamView? Of(SpanView span)
    {
        var chunks = new List<StreamChunk>();
        foreach (var @event in span.Record.Events)
        {
            if (!@event.Name.StartsWith(AttributeNames.ChunkEventPrefix, StringComparison.Ordinal))
            {
                continue;
            }

            var at = Math.Max(0, span.EventMs(@event));
            var index = int.TryParse(@event.Name.AsSpan(AttributeNames.ChunkEventPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : chunks.Count;
            chunks.Add(Read(@event, index, at));
        }

        if (chunks.Count == 0)
        {
            return null;
        }

        chunks.Sort((a, b) => a.Index.CompareTo(b.Index));
        for (var i = 0; i < chunks.Count; i++)
        {
            chunks[i] = chunks[i] with { GapMs = Math.Max(0, chunks[i].AtMs - (i == 0 ? 0 : chunks[i - 1].AtMs)) };
        }

        return new StreamView(span, chunks);
    }

    private static StreamChunk Read(SpanEventRecord @event, int index, double at)
    {
        var json = "";
        foreach (var (key, value) in @event.Attributes)
        {
            if (key == AttributeNames.ChunkValue)
            {
                // An attribute's value is JSON text: chunk JSON is a string with JSON in it, or that JSON itself.
                json = TolerantJson.Unquote(value) ?? "";
            }
        }

        var (kind, text) = Content(TolerantJson.Parse(json), json);
        return new StreamChunk(index, at, 0, kind, text, Encoding.UTF8.GetByteCount(json));
    }

    private static (ChunkKind Kind, string Text) Content(JsonElement chunk, string json)
    {
        if (chunk.ValueKind != JsonValueKind.Object)
        {
            return (ChunkKind.Text, chunk.ValueKind == JsonValueKind.String ? chunk.GetString()! : json);
        }

        if (chunk.Text("type") is { } type)
        {
            return type switch
            {
                "response.output_text.delta" => (ChunkKind.Text, chunk.Text("delta") ?? ""),
                "response.function_call_arguments.delta" => (ChunkKind.ToolCall, chunk.Text("delta") ?? ""),
                "response.refusal.delta" => (ChunkKind.Refusal, chunk.Text("delta") ?? ""),
                "response.reasoning_summary_text.delta" or "response.reasoning_text.delta" => (ChunkKind.Reasoning, chunk.Text("delta") ?? ""),
                _ => (ChunkKind.Other, type),
            };
        }

        foreach (var choice in chunk.Member("choices").Items())
        {
            var delta = choice.Member("delta");
            if ((PreviewText.Content(delta.Member("content")) ?? choice.Text("text")) is { Length: > 0 } text)
            {
                return (ChunkKind.Text, text);
            }

            var calls = delta.Member("tool_calls").Items().Select(call => call.Member("function")).ToList();
            if (calls.Count > 0)
            {
                return (ChunkKind.ToolCall, string.Concat(calls.Select(call => (call.Text("name") is { Length: > 0 } name ? name + " " : "") + call.Text("arguments"))));
            }

            if ((delta.Text("reasoning_content") ?? delta.Text("reasoning")) is { Length: > 0 } reasoning)
            {
                return (ChunkKind.Reasoning, reasoning);
            }

            if (delta.Text("refusal") is { Length: > 0 } refusal)
            {
                return (ChunkKind.Refusal, refusal);
            }

            if (choice.Text("finish_reason") is { } reason)
            {
                return (ChunkKind.Finish, $"finish: {reason}");
            }
        }

        if (chunk.Member("usage") is { ValueKind: JsonValueKind.Object } usage)
        {
            return (ChunkKind.Usage, $"usage: {usage.Number("prompt_tokens")} in, {usage.Number("completion_tokens")} out");
        }

        return (ChunkKind.Other, chunk.Member("choices").Items().Any(choice => choice.Member("delta").Text("role") is not null) ? "role" : "no content");
    }
}
