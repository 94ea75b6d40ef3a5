using System.Text.Json;

namespace MLflow.Server.Conventions;

/// <summary>Definitions of tools, in whichever of their shapes, become <c>{"type":"function","function":{"name","description","parameters"}}</c>.</summary>
internal static class ToolDefinitions
{
    /// <summary>A list: nested as OpenAI's chat has it, flat as its Responses and OpenTelemetry have it, or with <c>inputSchema</c> as the AI SDK has it.</summary>
    public static string? List(SpanSource source, string key) => Write(source.Value(key).Items().Select(SpanSource.Unfold));

    /// <summary>Within the object that an attribute holds.</summary>
    public static Func<SpanSource, string, string?> Member(string name) => (source, key) => Write(source.Value(key).Member(name).Items());

    /// <summary>Numbered: <c>llm.tools.0.tool.json_schema</c>.</summary>
    public static string? Numbered(SpanSource source, string prefix) =>
        Write(NumberedKeys.Groups(source, prefix).Select(group => source.Value(group.Prefix + "tool.json_schema")));

    /// <summary>Numbered, by part: <c>llm.request.functions.0.name</c>.</summary>
    public static string? NumberedParts(SpanSource source, string prefix) => Write([.. NumberedKeys.Groups(source, prefix)
        .Where(group => source.Text(group.Prefix + "name") is not null)
        .Select(group => JsonElement.Parse(ChatJson.Write(writer =>
        {
            writer.WriteString("name", source.Text(group.Prefix + "name"));
            if (source.Text(group.Prefix + "description") is { } description)
            {
                writer.WriteString("description", description);
            }

            if ((source.Value(group.Prefix + "arguments") is var a && a.ValueKind == JsonValueKind.Object ? a : source.Value(group.Prefix + "parameters")) is { ValueKind: JsonValueKind.Object } schema)
            {
                writer.WritePropertyName("parameters");
                schema.WriteTo(writer);
            }
        })))]);

    private static string? Write(IEnumerable<JsonElement> tools)
    {
        var list = tools.Where(tool => tool.ValueKind == JsonValueKind.Object).ToList();
        return list.Count == 0 ? null : ChatJson.WriteArray(writer => list.ForEach(tool => WriteTool(writer, tool)));
    }

    private static void WriteTool(Utf8JsonWriter writer, JsonElement tool)
    {
        var function = tool.Member("function") is { ValueKind: JsonValueKind.Object } nested ? nested : tool;
        if (function.String("name") is null || (tool.String("type") ?? "function") != "function")
        {
            // A tool of the provider's own.
            tool.WriteTo(writer);
            return;
        }

        writer.WriteStartObject();
        writer.WriteString("type", "function");
        writer.WriteStartObject("function");
        foreach (var member in function.EnumerateObject())
        {
            if (member.Name != "type")
            {
                writer.WritePropertyName(member.Name is "inputSchema" or "input_schema" ? "parameters" : member.Name);
                member.Value.WriteTo(writer);
            }
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
