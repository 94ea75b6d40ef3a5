using System.Text.Json;
using System.Text.RegularExpressions;
using MLflow.Server.Rest;

namespace MLflow.Server.Tests.Rest;

/// <summary>What the OpenAPI document says of a call, held against its request and its answer. Strict: what the document does not have is a fault, too.</summary>
internal static class OpenApiContract
{
    public static readonly JsonElement Document = Read();

    /// <summary>Verb and path of every call.</summary>
    public static IEnumerable<string> Calls => Document.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject().Select(call => $"{call.Name.ToUpperInvariant()} {path.Name}"));

    public static IEnumerable<string> CheckRequest(string method, string path, string body) =>
        Check(JsonDocument.Parse(body).RootElement, Find(method, path).GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("schema"), "request");

    public static IEnumerable<string> CheckAnswer(string method, string path, int status, JsonElement body)
    {
        var answers = Find(method, path).GetProperty("responses");
        var answer = answers.TryGetProperty(status.ToString(System.Globalization.CultureInfo.InvariantCulture), out var exact) ? exact : answers.GetProperty("default");
        return Check(body, answer.GetProperty("content").GetProperty("application/json").GetProperty("schema"), "answer");
    }

    /// <summary>Names of parameters in the query that the document has for a call.</summary>
    public static IEnumerable<string?> Query(string method, string path) => Find(method, path).TryGetProperty("parameters", out var parameters)
        ? parameters.EnumerateArray().Where(parameter => parameter.GetProperty("in").GetString() == "query").Select(parameter => parameter.GetProperty("name").GetString())
        : [];

    private static JsonElement Find(string method, string path)
    {
        var plain = path.Split('?')[0];
        var paths = Document.GetProperty("paths").EnumerateObject();

        // The most literal of those that fit, as routing chooses.
        var template = paths.Where(candidate => Regex.IsMatch(plain, "^" + Regex.Replace(candidate.Name, @"\{\w+\}", "[^/]+") + "$") && candidate.Value.TryGetProperty(method.ToLowerInvariant(), out _))
            .OrderBy(candidate => candidate.Name.Count(c => c == '{')).First();
        return template.Value.GetProperty(method.ToLowerInvariant());
    }

    private static IEnumerable<string> Check(JsonElement value, JsonElement schema, string at)
    {
        if (schema.TryGetProperty("$ref", out var reference))
        {
            return Check(value, Document.GetProperty("components").GetProperty("schemas").GetProperty(reference.GetString()!.Split('/')[^1]), at);
        }

        if (schema.TryGetProperty("enum", out var values))
        {
            return values.EnumerateArray().Any(one => one.ValueEquals(value.GetString())) ? [] : [$"{at} is {value}"];
        }

        if (!schema.TryGetProperty("type", out var type))
        {
            return [];
        }

        var types = type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().Select(one => one.GetString()!).ToList() : [type.GetString()!];
        if (!types.Contains(TypeOf(value)) && !(types.Contains("number") && TypeOf(value) == "integer"))
        {
            return [$"{at} is {TypeOf(value)}, not {string.Join(" or ", types)}"];
        }

        return value.ValueKind switch
        {
            JsonValueKind.Object => CheckObject(value, schema, at),
            JsonValueKind.Array => value.EnumerateArray().SelectMany((item, i) => Check(item, schema.GetProperty("items"), $"{at}[{i}]")),
            _ => [],
        };
    }

    private static IEnumerable<string> CheckObject(JsonElement value, JsonElement schema, string at)
    {
        if (schema.TryGetProperty("additionalProperties", out var any))
        {
            return value.EnumerateObject().SelectMany(property => Check(property.Value, any, $"{at}.{property.Name}"));
        }

        var properties = schema.TryGetProperty("properties", out var known) ? known : default;
        var required = schema.TryGetProperty("required", out var names) ? names.EnumerateArray().Select(name => name.GetString()!) : [];
        return required.Where(name => !value.TryGetProperty(name, out _)).Select(name => $"{at}.{name} is missing")
            .Concat(value.EnumerateObject().SelectMany(property =>
                properties.ValueKind == JsonValueKind.Object && properties.TryGetProperty(property.Name, out var inner) ? Check(property.Value, inner, $"{at}.{property.Name}") : [$"{at}.{property.Name} is not in the document"]));
    }

    private static string TypeOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "object",
        JsonValueKind.Array => "array",
        JsonValueKind.String => "string",
        JsonValueKind.Number => value.TryGetInt64(out _) ? "integer" : "number",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        _ => "null",
    };

    private static JsonElement Read()
    {
        using var stream = typeof(MlflowServer).Assembly.GetManifestResourceStream(OpenApiEndpoint.Resource)!;
        return JsonDocument.Parse(stream).RootElement;
    }
}
