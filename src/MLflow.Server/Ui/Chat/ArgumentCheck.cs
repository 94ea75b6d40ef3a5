using System.Text.Json;
using MLflow.Server.Ui.Formatting;
using MLflow.Server.Ui.Spans;

namespace MLflow.Server.Ui.Chat;

/// <summary>Holds a call's arguments against the JSON Schema that the request offered.</summary>
public static class ArgumentCheck
{
    /// <summary>The schemas of a call's tools by function name.</summary>
    public static IReadOnlyDictionary<string, JsonElement> Schemas(SpanView span)
    {
        var schemas = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var (name, tool) in ToolDefinitions.Of(span))
        {
            var function = tool.Member("function") is { ValueKind: JsonValueKind.Object } inner ? inner : tool;
            if (function.Member("parameters") is { ValueKind: JsonValueKind.Object } parameters)
            {
                schemas[name] = parameters;
            }
        }

        return schemas;
    }

    public static IReadOnlyList<ArgumentProblem> Problems(JsonElement arguments, JsonElement schema) => arguments.ValueKind == JsonValueKind.Object
        ? SchemaCheck.Problems(arguments, schema)
        : [new ArgumentProblem("", Words.T("the arguments are not a JSON object"))];
}
