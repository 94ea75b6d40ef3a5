using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MLflow.Server.Ui.Formatting;
using MLflow.Server.Ui.Spans;
using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.Playground;

/// <summary>A request of Chat Completions or Responses that is edited before it is sent. What nobody has changed is sent as it was recorded, whatever it is.</summary>
public sealed class PlaygroundRequest
{
    private const string MessageList = "messages";
    private const string Input = "input";
    private const string Instructions = "instructions";
    private const string Model = "model";
    private const string Stream = "stream";
    private const string StreamOptions = "stream_options";
    private const string ToolList = "tools";

    private static readonly JsonDocumentOptions Documents = new() { MaxDepth = 256 };

    private readonly JsonObject _source;
    private readonly string _recordedTools = "";
    private readonly string _recordedOthers = "";
    private readonly Dictionary<string, string> _recordedNumbers = [];
    private readonly bool _hasInstructions;
    private readonly bool _isInputText;

    private PlaygroundRequest(JsonObject source)
    {
        _source = source;
        IsResponses = source[MessageList] is not JsonArray;
        RecordedModel = Text(source[Model]) ?? "";
        var list = source[IsResponses ? Input : MessageList];
        _hasInstructions = IsResponses && Text(source[Instructions]) is not null;
        _isInputText = Text(list) is not null;
        if (_hasInstructions)
        {
            Messages.Add(new PlaygroundMessage("system", Text(source[Instructions])!));
        }

        if (_isInputText)
        {
            Messages.Add(new PlaygroundMessage("user", Text(list)!));
        }
        else
        {
            Messages.AddRange(((JsonArray)list!).OfType<JsonNode>().Select(PlaygroundMessage.Of));
        }

        MaxTokensName = IsResponses ? "max_output_tokens" : source.ContainsKey("max_tokens") ? "max_tokens" : "max_completion_tokens";
        foreach (var name in NumberNames)
        {
            _recordedNumbers[name] = source[name]?.ToJsonString() ?? "";
        }

        (Temperature, TopP, MaxTokens) = (_recordedNumbers["temperature"], _recordedNumbers["top_p"], _recordedNumbers[MaxTokensName]);
        _recordedTools = Tools = source[ToolList]?.ToJsonString(TolerantJson.Readable) ?? "";
        string[] shown = [Model, MessageList, Input, Instructions, Stream, StreamOptions, ToolList, .. NumberNames];
        var others = new JsonObject(source.Where(member => !shown.Contains(member.Key)).Select(member => KeyValuePair.Create(member.Key, member.Value?.DeepClone())));
        _recordedOthers = Others = others.Count == 0 ? "" : others.ToJsonString(TolerantJson.Readable);
    }

    /// <summary>Whether it is one of Responses.</summary>
    public bool IsResponses { get; }

    public string Operation => IsResponses ? "responses" : "chat/completions";

    /// <summary>The model that was asked; empty for none.</summary>
    public string RecordedModel { get; }

    public List<PlaygroundMessage> Messages { get; } = [];

    public string Temperature { get; set; }

    public string TopP { get; set; }

    public string MaxTokens { get; set; }

    /// <summary>What the field is called in this request.</summary>
    public string MaxTokensName { get; }

    /// <summary>JSON; empty for none.</summary>
    public string Tools { get; set; }

    /// <summary>All other parameters as a JSON object; empty for none.</summary>
    public string Others { get; set; }

    public bool IsStreamed { get; set; } = true;

    private string[] NumberNames => ["temperature", "top_p", MaxTokensName];

    /// <summary>Whether a recorded call can be sent again.</summary>
    public static bool IsOne(SpanView span)
    {
        ArgumentNullException.ThrowIfNull(span);
        return span.IsModelCall && span.Inputs.ValueKind == JsonValueKind.Object
            && (span.Inputs.Member(MessageList).ValueKind == JsonValueKind.Array || span.Inputs.Member(Input).ValueKind is JsonValueKind.Array or JsonValueKind.String);
    }

    /// <summary>An empty one of Chat Completions.</summary>
    public static PlaygroundRequest New() => new(new JsonObject { [Model] = "", [MessageList] = new JsonArray() }) { Messages = { new PlaygroundMessage("system"), new PlaygroundMessage("user") } };

    /// <summary>A recorded one; null where there is none that can be read.</summary>
    public static PlaygroundRequest? Of(SpanView span)
    {
        // What stands in the place of a lost content is not what was asked.
        if (!IsOne(span) || span.Record.IsIncomplete)
        {
            return null;
        }

        try
        {
            return JsonObject.Create(span.Inputs) is { } source ? new PlaygroundRequest(source) : null;
        }
        catch (ArgumentException)
        {
            // A member twice: which of them was meant, nobody knows.
            return null;
        }
    }

    /// <summary>The body to be sent.</summary>
    /// <param name="endpoint">The endpoint, as model.</param>
    /// <param name="problems">What is wrong, by field; nothing is returned then.</param>
    public byte[]? Write(string endpoint, IDictionary<string, string> problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        problems.Clear();
        var body = (JsonObject)_source.DeepClone();
        body[Model] = endpoint;
        WriteMessages(body, problems);
        foreach (var (name, text) in (IEnumerable<(string, string)>)[("temperature", Temperature), ("top_p", TopP), (MaxTokensName, MaxTokens)])
        {
            WriteNumber(body, name, text, problems);
        }

        if (Tools != _recordedTools)
        {
            Put(body, ToolList, Parse<JsonArray>(Tools, ToolList, T("Tools must be a JSON array."), problems));
        }

        if (Others != _recordedOthers)
        {
            WriteOthers(body, problems);
        }

        WriteStream(body);
        return problems.Count == 0 ? JsonSerializer.SerializeToUtf8Bytes(body, TolerantJson.Readable) : null;
    }

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static void Put(JsonObject body, string name, JsonNode? value)
    {
        if (value is null)
        {
            body.Remove(name);
        }
        else
        {
            body[name] = value;
        }
    }

    private static T? Parse<T>(string text, string field, string problem, IDictionary<string, string> problems)
        where T : JsonNode
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        try
        {
            if (JsonNode.Parse(text, documentOptions: Documents) is T node)
            {
                return node;
            }

            problems[field] = problem;
        }
        catch (JsonException e)
        {
            problems[field] = $"{problem} {e.Message}";
        }

        return null;
    }

    private void WriteMessages(JsonObject body, IDictionary<string, string> problems)
    {
        var messages = Messages.ToList();
        if (_hasInstructions)
        {
            // The first system message is what they were; without one there are none.
            var instructions = messages.Find(message => message is { Role: "system", IsText: true });
            Put(body, Instructions, instructions?.Text);
            messages.Remove(instructions!);
        }

        if (_isInputText && messages is [{ Role: "user" } only])
        {
            body[Input] = only.Text;
            return;
        }

        var list = new JsonArray();
        for (var i = 0; i < messages.Count; i++)
        {
            try
            {
                if (!messages[i].IsBlank)
                {
                    list.Add(messages[i].Write());
                }
            }
            catch (JsonException e)
            {
                problems[FormattableString.Invariant($"message {Messages.IndexOf(messages[i])}")] = T("This message is no JSON object: {0}", e.Message);
            }
        }

        body[IsResponses ? Input : MessageList] = list;
    }

    private void WriteNumber(JsonObject body, string name, string text, IDictionary<string, string> problems)
    {
        if (text == _recordedNumbers[name])
        {
            return;
        }

        if (string.IsNullOrWhiteSpace(text))
        {
            body.Remove(name);
        }
        else if (decimal.TryParse(text.Trim(), NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            body[name] = number;
        }
        else
        {
            problems[name] = T("{0} must be a number: '{1}' is none.", name, TracePreview.Cut(text, 100));
        }
    }

    private void WriteOthers(JsonObject body, IDictionary<string, string> problems)
    {
        if (Parse<JsonObject>(Others, "others", T("Other parameters must be a JSON object."), problems) is not { } others)
        {
            others = [];
        }

        foreach (var gone in (Parse<JsonObject>(_recordedOthers, "", "", new Dictionary<string, string>()) ?? []).Select(member => member.Key))
        {
            body.Remove(gone);
        }

        foreach (var (name, value) in others)
        {
            body[name] = value?.DeepClone();
        }
    }

    // So that it can be shown as it comes, with its tokens at the end.
    private void WriteStream(JsonObject body)
    {
        if (!IsStreamed)
        {
            body.Remove(Stream);
            body.Remove(StreamOptions);
            return;
        }

        body[Stream] = true;
        if (IsResponses)
        {
            return;
        }

        if (body[StreamOptions] is JsonObject options)
        {
            options["include_usage"] = true;
        }
        else
        {
            body[StreamOptions] = new JsonObject { ["include_usage"] = true };
        }
    }
}
