using System.Text;
using System.Text.Json;
using MLflow.Server.Ui.Chat;
using MLflow.Server.Ui.Compare;
using MLflow.Server.Ui.Formatting;

namespace MLflow.Server.Ui.Playground;

/// <summary>An answer of a model as it comes, streamed or whole, of Chat Completions or Responses.</summary>
public sealed class StreamedAnswer
{
    /// <summary>Characters that are kept of it. The trace has all of it.</summary>
    private const int Most = 2_000_000;

    private readonly bool _isStream;
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private readonly StringBuilder _pending = new();
    private readonly StringBuilder _text = new();
    private readonly SortedDictionary<long, (string Name, StringBuilder Arguments)> _calls = [];
    private string? _whole;

    /// <param name="isStream">Whether it comes as server-sent events.</param>
    public StreamedAnswer(bool isStream) => _isStream = isStream;

    /// <summary>What the model said, with its tool calls, as pages compare it.</summary>
    public string Text => _whole ?? string.Join("\n\n", _calls.Values.Select(call => $"{call.Name}({call.Arguments})").Prepend(_text.ToString()).Where(text => text.Length > 0));

    public long? InputTokens { get; private set; }

    public long? OutputTokens { get; private set; }

    public string? FinishReason { get; private set; }

    /// <summary>What went wrong, in the words of whoever answered.</summary>
    public string? Error { get; private set; }

    /// <summary>Whether it was longer than what is kept.</summary>
    public bool IsCut { get; private set; }

    /// <summary>Takes bytes of it, cut anywhere.</summary>
    public void Take(ReadOnlySpan<byte> bytes)
    {
        if (IsCut)
        {
            return;
        }

        var characters = new char[_decoder.GetCharCount(bytes, flush: false)];
        _decoder.GetChars(bytes, characters, flush: false);
        _pending.Append(characters);
        if (_isStream)
        {
            TakeLines();
        }

        IsCut = _pending.Length + _text.Length + _calls.Values.Sum(call => call.Arguments.Length) > Most;
    }

    /// <summary>No more comes.</summary>
    public void End()
    {
        if (_isStream)
        {
            TakeLine(_pending.ToString());
        }
        else if (TolerantJson.TryParse(_pending.ToString(), out var answer))
        {
            Whole(answer);
        }
        else if (!IsCut && _pending.Length > 0)
        {
            Error = PreviewText.Cut(_pending.ToString(), 2000);
        }
    }

    private void TakeLines()
    {
        var text = _pending.ToString();
        var from = 0;
        for (var end = text.IndexOf('\n', StringComparison.Ordinal); end >= 0; end = text.IndexOf('\n', from))
        {
            TakeLine(text[from..end].TrimEnd('\r'));
            from = end + 1;
        }

        _pending.Remove(0, from);
    }

    private void TakeLine(string line)
    {
        if (!line.StartsWith("data:", StringComparison.Ordinal) || !TolerantJson.TryParse(line[5..], out var chunk))
        {
            return;
        }

        if (chunk.Member("error").IsPresent() && chunk.Member("error").ValueKind == JsonValueKind.Object)
        {
            Error = chunk.Member("error").Text("message") ?? chunk.Member("error").GetRawText();
        }

        Usage(chunk.Member("usage"));
        foreach (var choice in chunk.Member("choices").Items().Take(1))
        {
            TakeDelta(choice.Member("delta"));
            FinishReason = choice.Text("finish_reason") ?? FinishReason;
        }

        TakeEvent(chunk);
    }

    private void TakeDelta(JsonElement delta)
    {
        _text.Append(delta.Text("content")).Append(delta.Text("refusal"));
        foreach (var call in delta.Member("tool_calls").Items())
        {
            TakeCall(call.Number("index") ?? 0, call.Member("function").Text("name"), call.Member("function").Text("arguments"));
        }
    }

    private void TakeEvent(JsonElement chunk)
    {
        var item = chunk.Number("output_index") ?? 0;
        switch (chunk.Text("type"))
        {
            case "response.output_text.delta" or "response.refusal.delta":
                _text.Append(chunk.Text("delta"));
                break;
            case "response.output_item.added" when chunk.Member("item").Text("name") is { } name:
                TakeCall(item, name, null);
                break;
            case "response.function_call_arguments.delta":
                TakeCall(item, null, chunk.Text("delta"));
                break;
            case "response.completed" or "response.incomplete" or "response.failed":
                Whole(chunk.Member("response"));
                break;
            case "error":
                Error = chunk.Text("message") ?? Error;
                break;
        }
    }

    private void TakeCall(long index, string? name, string? arguments)
    {
        var call = _calls.GetValueOrDefault(index, ("", new StringBuilder()));
        call.Item2.Append(arguments);
        _calls[index] = (name ?? call.Item1, call.Item2);
    }

    private void Whole(JsonElement answer)
    {
        Usage(answer.Member("usage"));
        if (answer.Member("error") is { ValueKind: JsonValueKind.Object } error)
        {
            Error = error.Text("message") ?? error.GetRawText();
        }
        else if (answer.Text("message") is { } message && answer.Text("error_code") is not null)
        {
            Error = message;
        }

        if (MessageReader.Outputs(answer) is { Count: > 0 } messages)
        {
            _whole = Said(messages);
            FinishReason = messages.Select(said => said.FinishReason).OfType<string>().FirstOrDefault() ?? answer.Text("status");
        }
    }

    /// <summary>What messages say, as pages compare it.</summary>
    public static string Said(IEnumerable<ChatMessage> messages) => string.Join("\n\n", messages.Select(CompareView.Text).Where(text => text.Length > 0));

    private void Usage(JsonElement usage)
    {
        InputTokens = usage.Number("prompt_tokens") ?? usage.Number("input_tokens") ?? InputTokens;
        OutputTokens = usage.Number("completion_tokens") ?? usage.Number("output_tokens") ?? OutputTokens;
    }
}
