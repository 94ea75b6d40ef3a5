using System.Text.Json;
using MLflow.EndToEnd.Tests.Recordings;
using MLflow.Server.Otlp.Protos;

namespace MLflow.EndToEnd.Tests.Ui;

/// <summary>A span of a scene, with times in milliseconds from the start of its trace.</summary>
public sealed class SceneSpan
{
    private readonly Span _span;
    private readonly long _originNs;
    private readonly double _startMs;
    private int _chunks;

    internal SceneSpan(Span span, long originNs, double startMs)
    {
        _span = span;
        _originNs = originNs;
        _startMs = startMs;
    }

    internal SceneSpan Set(string key, object value)
    {
        _span.Attributes.Add(value is double number ? new KeyValue { Key = key, Value = new AnyValue { DoubleValue = number } } : Text(key, Json(value)));
        return this;
    }

    internal SceneSpan Usage(int input, int output, int cached = 0) =>
        Set("mlflow.chat.tokenUsage", new { input_tokens = input, output_tokens = output, total_tokens = input + output, cache_read_input_tokens = cached });

    internal SceneSpan Chat(string model, IEnumerable<object> messages, object? message, string? finish = "stop", object? tools = null)
    {
        Set("mlflow.spanInputs", tools is null ? new { model, messages } : new { model, messages, tools, temperature = 0.2 });
        Set("mlflow.llm.model", model);
        if (tools is not null)
        {
            Set("mlflow.chat.tools", tools);
        }

        return message is null ? this : Set("mlflow.spanOutputs", new { id = "chatcmpl-CavJ6P3NSyrHHxNnkz50hV9VBarhM", @object = "chat.completion", model, choices = new[] { new { index = 0, message, finish_reason = finish } } });
    }

    /// <summary>Streams a text: the first piece at <paramref name="firstMs"/>, the last at <paramref name="lastMs"/>, both from the start of the span.</summary>
    internal SceneSpan Stream(string text, double firstMs, double lastMs, double stallMs = 0, string? finish = "stop")
    {
        Set("mlflow.stream.time_to_first_token_ms", firstMs);
        var pieces = Pieces(text).ToList();
        var noise = new Random(pieces.Count * 31 + 7);
        var gaps = pieces.Select((_, i) => i == 0 ? 0 : 4 + noise.NextDouble() * noise.NextDouble() * 26).ToArray();
        var stallAt = stallMs > 0 ? pieces.Count / 2 : -1;
        var room = (lastMs - firstMs - stallMs) / Math.Max(1, gaps.Sum());
        var at = firstMs;
        for (var i = 0; i < pieces.Count; i++)
        {
            at += gaps[i] * room + (i == stallAt ? stallMs : 0);
            Chunk(at, new { choices = new[] { new { index = 0, delta = new { content = pieces[i] }, finish_reason = (string?)null } } });
        }

        if (finish is not null)
        {
            Chunk(lastMs, new { choices = new[] { new { index = 0, delta = new { }, finish_reason = finish } } });
        }

        return this;
    }

    internal SceneSpan Event(string name, double atMs, params (string Key, object Value)[] attributes)
    {
        var @event = new Span.Types.Event { Name = name, TimeUnixNano = (ulong)(_originNs + (long)((_startMs + atMs) * 1e6)) };
        foreach (var (key, value) in attributes)
        {
            @event.Attributes.Add(value switch
            {
                int number => new KeyValue { Key = key, Value = new AnyValue { IntValue = number } },
                double number => new KeyValue { Key = key, Value = new AnyValue { DoubleValue = number } },
                _ => Text(key, (string)value),
            });
        }

        _span.Events.Add(@event);
        return this;
    }

    internal SceneSpan Fails(string type, string message, string stack, double atMs)
    {
        _span.Status = new Status { Code = Status.Types.StatusCode.Error, Message = message };
        return Event("exception", atMs, ("exception.type", type), ("exception.message", message), ("exception.stacktrace", stack));
    }

    private static string Json(object value) => JsonSerializer.Serialize(value, SharedFolder.AsText);

    private static KeyValue Text(string key, string value) => new() { Key = key, Value = new AnyValue { StringValue = value } };

    private static IEnumerable<string> Pieces(string text)
    {
        var start = 0;
        for (var i = 1; i <= text.Length; i++)
        {
            if (i == text.Length || text[i] is ' ' or '\n' || (text[i] == '*' && text[i - 1] is not (' ' or '*')) || (text[i] > 0x3000 && (i - start) >= 2))
            {
                yield return text[start..i];
                start = i;
            }
        }
    }

    private void Chunk(double atMs, object value) => Event($"mlflow.chunk.item.{_chunks++}", atMs, ("mlflow.chunk.value", Json(value)));
}
