using System.Text.Json;
using MLflow.Server.Ui.Formatting;

namespace MLflow.Server.Ui.Chat;

/// <summary>
/// Holds a call's arguments against the JSON Schema that the request offered: type, enum, required and additionalProperties of
/// the top level, which is where models go wrong. Deeper levels are not judged.
/// </summary>
public static class ArgumentCheck
{
    /// <summary>The schemas of a request's tools by function name.</summary>
    public static IReadOnlyDictionary<string, JsonElement> Schemas(JsonElement tools)
    {
        var schemas = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var tool in tools.Items())
        {
            var function = tool.Member("function") is { ValueKind: JsonValueKind.Object } inner ? inner : tool;
            if (function.Text("name") is { } name && function.Member("parameters") is { ValueKind: JsonValueKind.Object } parameters)
            {
                schemas[name] = parameters;
            }
        }

        return schemas;
    }

    public static IReadOnlyList<ArgumentProblem> Problems(JsonElement arguments, JsonElement schema)
    {
        if (arguments.ValueKind != JsonValueKind.Object)
        {
            return [new ArgumentProblem("", "the arguments are not a JSON object")];
        }

        var problems = new List<ArgumentProblem>();
        foreach (var name in schema.Member("required").Items().Select(item => item.ValueKind == JsonValueKind.String ? item.GetString()! : ""))
        {
            if (name.Length > 0 && !arguments.TryGetProperty(name, out _))
            {
                problems.Add(new ArgumentProblem(name, $"{name}: required, not given"));
            }
        }

        var properties = schema.Member("properties");
        foreach (var argument in arguments.EnumerateObject())
        {
            var property = properties.Member(argument.Name);
            if (property.ValueKind == JsonValueKind.Object)
            {
                Check(problems, argument, property);
            }
            else if (schema.Member("additionalProperties").ValueKind == JsonValueKind.False)
            {
                problems.Add(new ArgumentProblem(argument.Name, $"{argument.Name}: not in the schema"));
            }
        }

        return problems;
    }

    private static void Check(List<ArgumentProblem> problems, JsonProperty argument, JsonElement property)
    {
        var types = property.Member("type") switch
        {
            { ValueKind: JsonValueKind.String } one => [one.GetString()!],
            { ValueKind: JsonValueKind.Array } many => many.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!).ToList(),
            _ => new List<string>(),
        };
        if (types.Count > 0 && !types.Any(type => Fits(argument.Value, type)))
        {
            problems.Add(new ArgumentProblem(argument.Name, $"{argument.Name}: {Given(argument.Value)} given, schema says {string.Join(" or ", types)}"));
            return;
        }

        var allowed = property.Member("enum");
        if (allowed.ValueKind == JsonValueKind.Array && !allowed.EnumerateArray().Any(item => JsonElement.DeepEquals(item, argument.Value)))
        {
            problems.Add(new ArgumentProblem(argument.Name, $"{argument.Name}: not one of {string.Join(", ", allowed.EnumerateArray().Take(6))}"));
        }
    }

    private static bool Fits(JsonElement value, string type) => type switch
    {
        "string" => value.ValueKind == JsonValueKind.String,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number == Math.Floor(number),
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "null" => value.ValueKind == JsonValueKind.Null,
        _ => true,
    };

    private static string Given(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True or JsonValueKind.False => "boolean",
        JsonValueKind.Number => "number",
        JsonValueKind.String => "string",
        JsonValueKind.Array => "array",
        JsonValueKind.Object => "object",
        _ => "null",
    };
}
