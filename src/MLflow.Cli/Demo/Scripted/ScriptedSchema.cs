using System.Text.Json.Nodes;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>Makes a value that fits a JSON schema, from what is known and else from one text.</summary>
internal sealed class ScriptedSchema
{
    private const int MaxDepth = 32;

    private readonly JsonObject _root;
    private readonly string _text;

    private ScriptedSchema(JsonObject root, string text)
    {
        _root = root;
        _text = text;
    }

    /// <param name="schema">What the value must fit.</param>
    /// <param name="known">A value that is taken as far as the schema has room for it.</param>
    /// <param name="text">What stands in every string about which nothing is known.</param>
    /// <exception cref="ScriptedErrorException">The schema nests without end.</exception>
    public static JsonNode? Fill(JsonObject schema, JsonNode? known, string text) => new ScriptedSchema(schema, text).Value(schema, known, depth: 0);

    private JsonNode? Value(JsonNode? node, JsonNode? known, int depth)
    {
        if (depth > MaxDepth)
        {
            throw ScriptedError.BadRequest("Invalid schema: it nests without end.").ToException();
        }

        if (node is not JsonObject schema)
        {
            return _text;
        }

        if (Target(schema) is { } target)
        {
            return Value(target, known, depth + 1);
        }

        if (schema.TryGetPropertyValue("const", out var constant))
        {
            return constant?.DeepClone();
        }

        if (schema["enum"] is JsonArray { Count: > 0 } choices)
        {
            return (choices.FirstOrDefault(choice => JsonNode.DeepEquals(choice, known)) ?? choices[0])?.DeepClone();
        }

        return Type(schema) switch
        {
            "object" => Object(schema, known as JsonObject, depth),
            "array" => Array(schema, known as JsonArray, depth),
            "integer" => ScriptedJson.Number(known) ?? ScriptedJson.Number(schema["minimum"]) ?? 1,
            "number" => ScriptedJson.Degree(known) ?? ScriptedJson.Degree(schema["minimum"]) ?? 1,
            "boolean" => ScriptedJson.Flag(known) ?? true,
            "null" => null,
            _ => ScriptedJson.Text(known) ?? _text,
        };
    }

    private JsonObject Object(JsonObject schema, JsonObject? known, int depth)
    {
        var value = new JsonObject();
        foreach (var (name, property) in schema["properties"] as JsonObject ?? [])
        {
            value[name] = Value(property, known?[name], depth + 1);
        }

        return value;
    }

    private JsonArray Array(JsonObject schema, JsonArray? known, int depth) => known is not null
        ? new JsonArray([.. known.Select(item => Value(schema["items"], item, depth + 1))])
        : new JsonArray(Value(schema["items"], null, depth + 1));

    /// <summary>The schema that this one only points to.</summary>
    private JsonObject? Target(JsonObject schema)
    {
        if (ScriptedJson.Text(schema["$ref"]) is { } reference)
        {
            return reference.TrimStart('#').Split('/', StringSplitOptions.RemoveEmptyEntries).Aggregate((JsonNode?)_root, (at, name) => (at as JsonObject)?[name]) as JsonObject;
        }

        return (schema["anyOf"] ?? schema["oneOf"]) is JsonArray { Count: > 0 } choices ? choices[0] as JsonObject : null;
    }

    private static string? Type(JsonObject schema) => schema["type"] switch
    {
        JsonArray { Count: > 0 } types => ScriptedJson.Text(types[0]),
        null when schema["properties"] is JsonObject => "object",
        var type => ScriptedJson.Text(type),
    };
}
