using System.Text.Json;
using MLflow.Server.Ui.Formatting;
using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.Chat;

/// <summary>What tools that the provider runs did: searches, code, pictures, calls of MCP servers. Items of the Responses API.</summary>
internal static class BuiltInTools
{
    /// <summary>The parts of an item; null where it is no such item.</summary>
    public static IReadOnlyList<ChatPart>? Parts(string type, JsonElement item) => type switch
    {
        "web_search_call" => [Part(item, T("Web search"), item.Member("action").Text("query") ?? item.Member("action").Text("url") ?? item.Member("action").Text("type"))],
        "file_search_call" => [Part(item, T("File search"), Join(item.Member("queries")) + Results(item.Member("results")))],
        "code_interpreter_call" => [Part(item, T("Code interpreter"), Fenced(item.Text("code"), "python")), .. Outputs(item.Member("outputs"))],
        "image_generation_call" => item.Text("result") is { Length: > 0 } image
            ? [Part(item, T("Picture"), item.Text("revised_prompt")), MediaParts.ImageData("image/" + (item.Text("output_format") ?? "png"), image)]
            : [Part(item, T("Picture"), item.Text("revised_prompt") ?? item.Text("status"))],
        "computer_call" => [Part(item, T("Computer"), item.Member("action").Text("type"))],
        "local_shell_call" or "shell_call" => [Part(item, T("Shell"), Fenced(Join(item.Member("action").Member("command"), " "), "sh"))],
        "mcp_call" => [Part(item, T("MCP server {0}", item.Text("server_label") ?? ""), $"{item.Text("name")}({item.Text("arguments")})\n\n{item.Text("error") ?? item.Text("output")}")],
        "mcp_list_tools" => [Part(item, T("MCP server {0}", item.Text("server_label") ?? ""), T("Offers {0}.", string.Join(", ", item.Member("tools").Items().Select(tool => tool.Text("name")))))],
        "mcp_approval_request" => [Part(item, T("MCP server {0}", item.Text("server_label") ?? ""), T("Asks for leave to run {0}.", item.Text("name") ?? ""))],
        _ => null,
    };

    private static ChatPart Part(JsonElement item, string name, string? text) => new(ChatPartKind.BuiltIn, text ?? "")
    {
        Name = item.Text("status") is { } status and not "completed" ? $"{name}, {status}" : name,
        Json = item.GetRawText(),
    };

    private static IEnumerable<ChatPart> Outputs(JsonElement outputs)
    {
        foreach (var output in outputs.Items())
        {
            if (output.Text("logs") is { } logs)
            {
                yield return new ChatPart(ChatPartKind.Text, Fenced(logs, "") ?? "");
            }
            else if (output.Text("url") is { } url)
            {
                yield return MediaParts.Image(url);
            }
        }
    }

    private static string Results(JsonElement results) => results.ValueKind != JsonValueKind.Array ? ""
        : "\n\n" + string.Join("\n", results.EnumerateArray().Select(result => $"- {result.Text("filename") ?? result.Text("file_id")}"));

    private static string Join(JsonElement list, string separator = ", ") =>
        string.Join(separator, list.Items().Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()));

    private static string? Fenced(string? code, string language) => code is null ? null : $"~~~~{language}\n{code}\n~~~~";
}
