using System.Text.Json;
using System.Text.Json.Nodes;
using MLflow.Server.Ui.Formatting;

namespace MLflow.Server.Ui.Playground;

/// <summary>
/// A message that can be edited: its text where it has one, else its JSON. What else is recorded of it stays as it is.
/// </summary>
public sealed class PlaygroundMessage
{
    /// <summary>Characters that are edited at most: a message of the circuit holds them. What is longer is sent as it was recorded.</summary>
    public const int MostText = 100_000;

    private static readonly string[] TextTypes = ["text", "input_text", "output_text"];

    private readonly JsonNode? _source;
    private readonly string _recordedRole = "";
    private readonly string _recordedText = "";

    /// <summary>A new one.</summary>
    public PlaygroundMessage(string role, string text = "") => (Role, Text, IsText) = (role, text, true);

    private PlaygroundMessage(JsonNode source)
    {
        _source = source;
        _recordedRole = Role = (source as JsonObject)?["role"] is JsonValue role && role.TryGetValue<string>(out var name) ? name : "";
        IsText = Slot(source) is not null;
        _recordedText = Text = IsText ? Slot(source)!.Value.Text : source.ToJsonString(TolerantJson.Readable);
        IsKept = Text.Length > MostText;
        More = IsText ? string.Join(", ", ((JsonObject)source).Select(member => member.Key).Where(key => key is not ("role" or "content" or "type"))) : "";
    }

    public string Role { get; set; }

    /// <summary>The text, or the JSON of the whole message.</summary>
    public string Text { get; set; }

    /// <summary>Whether <see cref="Text"/> is what is said.</summary>
    public bool IsText { get; }

    /// <summary>Whether it is too long to be edited.</summary>
    public bool IsKept { get; }

    /// <summary>Whether it is one of the page's own that nothing was written into.</summary>
    public bool IsBlank => _source is null && Text.Length == 0;

    /// <summary>Names of what else it has.</summary>
    public string More { get; } = "";

    /// <summary>Reads a recorded one.</summary>
    /// <exception cref="ArgumentException">It has a member twice.</exception>
    internal static PlaygroundMessage Of(JsonNode source) => new(source);

    /// <summary>The message as it is to be sent.</summary>
    /// <exception cref="JsonException">What was typed is no JSON object.</exception>
    internal JsonNode Write()
    {
        if (_source is null)
        {
            return new JsonObject { ["role"] = Role, ["content"] = Text };
        }

        if (IsKept || (Text == _recordedText && Role == _recordedRole))
        {
            return _source.DeepClone();
        }

        if (!IsText)
        {
            return JsonNode.Parse(Text, documentOptions: new JsonDocumentOptions { MaxDepth = 256 }) as JsonObject ?? throw new JsonException("a message must be a JSON object");
        }

        var message = (JsonObject)_source.DeepClone();
        if (Role != _recordedRole)
        {
            message["role"] = Role;
        }

        var (owner, name, _) = Slot(message)!.Value;
        owner[name] = Text;
        return message;
    }

    // The one text of a message that says one thing.
    private static (JsonObject Owner, string Name, string Text)? Slot(JsonNode source)
    {
        if (source is not JsonObject message)
        {
            return null;
        }

        return message["content"] switch
        {
            JsonValue value when value.TryGetValue<string>(out var text) => (message, "content", text),
            JsonArray { Count: 1 } parts when parts[0] is JsonObject part && part["type"] is JsonValue type && type.TryGetValue<string>(out var kind) && TextTypes.Contains(kind)
                && part["text"] is JsonValue value && value.TryGetValue<string>(out var text) => (part, "text", text),
            _ => null,
        };
    }
}
