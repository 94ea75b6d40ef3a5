using System.Text.Json.Nodes;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>What has been said so far, as chat messages, the tools that are offered (the <c>function</c> part of each), and the schema that the answer must fit.</summary>
internal sealed record ScriptedConversation(IReadOnlyList<JsonObject> Messages, IReadOnlyList<JsonObject> Tools, JsonObject? Schema)
{
    // What OpenAI adds around each message and before the answer, in tokens.
    private const int TokensPerMessage = 3;
    private const int TokensBeforeAnswer = 3;

    /// <summary>What the user said last.</summary>
    public string Question => Content(Messages.LastOrDefault(IsUser));

    /// <summary>What the user said, all of it, the last first.</summary>
    public IEnumerable<string> Questions => Messages.Reverse().Where(IsUser).Select(Content);

    /// <summary>The results of tools since the user said something.</summary>
    public IEnumerable<JsonObject> ToolResults => Messages.Reverse().TakeWhile(message => !IsUser(message)).Where(message => Role(message) == "tool").Reverse();

    public string? LastRole => Messages.Count == 0 ? null : Role(Messages[^1]);

    public int Tokens => TokensBeforeAnswer
        + Messages.Sum(message => TokensPerMessage + TextPieces.Count(Content(message)) + Count(message["tool_calls"]))
        + Tools.Sum(Count);

    /// <summary>A message's text, whether it came as a string or as parts.</summary>
    public static string Content(JsonObject? message) => ContentOf(message?["content"]);

    /// <summary>The text of a message's content.</summary>
    public static string ContentOf(JsonNode? content) => content is JsonArray parts
        ? string.Concat(parts.OfType<JsonObject>().Select(part => ScriptedJson.Text(part["text"])))
        : ScriptedJson.Text(content) ?? "";

    private static bool IsUser(JsonObject message) => Role(message) == "user";

    private static string? Role(JsonObject message) => ScriptedJson.Text(message["role"]);

    private static int Count(JsonNode? node) => node is null ? 0 : TextPieces.Count(node.ToJsonString());
}
