using System.Text.Json;
using MLflow.Server.Ui.Formatting;
using MLflow.Server.Ui.Spans;

namespace MLflow.Server.Ui.Chat;

/// <summary>The tools that a request offered.</summary>
public static class ToolDefinitions
{
    /// <summary>Name and definition of each, in the order of the request. A tool that the provider runs has its type as its name.</summary>
    public static IReadOnlyList<KeyValuePair<string, JsonElement>> Of(SpanView span)
    {
        var told = TolerantJson.Parse(span.Record[AttributeNames.ChatTools]);
        var tools = told.ValueKind == JsonValueKind.Array ? told : span.Inputs.Member("tools");
        return [.. tools.Items().Select(tool => (Name: Name(tool), tool)).Where(pair => pair.Name is not null).Select(pair => KeyValuePair.Create(pair.Name!, pair.tool))];
    }

    /// <summary>Those that the application runs when the model asks for them, and that have a name of their own.</summary>
    public static IEnumerable<KeyValuePair<string, JsonElement>> Functions(SpanView span) => Of(span).Where(tool => tool.Value.Text("type") is null or "function" or "custom");

    private static string? Name(JsonElement tool) => tool.Member("function").Text("name") ?? tool.Text("name") ?? tool.Member("custom").Text("name") ?? tool.Text("type");
}
