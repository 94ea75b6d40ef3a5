using System.Globalization;
using System.Text.Json;
using MLflow.Server.Ui.Formatting;
using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.Chat;

/// <summary>
/// Holds JSON against a JSON Schema, on all levels: type, enum, const, required, properties, additionalProperties, items, anyOf, oneOf, allOf, local $ref,
/// and the bounds of numbers, texts and lists. Other keywords judge nothing.
/// </summary>
public sealed class SchemaCheck
{
    private const int MostProblems = 20;
    private const int Deepest = 32;
    private readonly JsonElement _root;
    private readonly List<ArgumentProblem> _problems = [];

    private SchemaCheck(JsonElement root) => _root = root;

    /// <summary>What does not fit, each with the path to it; empty where all fits.</summary>
    public static IReadOnlyList<ArgumentProblem> Problems(JsonElement value, JsonElement schema)
    {
        var check = new SchemaCheck(schema);
        check.Check(value, schema, "", 0);
        return check._problems;
    }

    private void Check(JsonElement value, JsonElement schema, string path, int depth)
    {
        if (_problems.Count >= MostProblems || depth > Deepest || schema.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        if (schema.Text("$ref") is { } reference)
        {
            Check(value, Resolve(reference), path, depth + 1);
            return;
        }

        if (!CheckKind(value, schema, path))
        {
            return;
        }

        CheckChoices(value, schema, path, depth);
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                CheckObject(value, schema, path, depth);
                break;
            case JsonValueKind.Array:
                CheckBound(value.GetArrayLength(), schema, "minItems", "maxItems", path, T("items"));
                var i = 0;
                foreach (var item in value.EnumerateArray())
                {
                    Check(item, schema.Member("items"), string.Create(CultureInfo.InvariantCulture, $"{path}[{i++}]"), depth + 1);
                }

                break;
            case JsonValueKind.String:
                CheckBound(value.GetString()!.Length, schema, "minLength", "maxLength", path, T("characters"));
                break;
            case JsonValueKind.Number when value.TryGetDouble(out var number):
                CheckBound(number, schema, "minimum", "maximum", path, "");
                break;
        }
    }

    private bool CheckKind(JsonElement value, JsonElement schema, string path)
    {
        var types = schema.Member("type") switch
        {
            { ValueKind: JsonValueKind.String } one => [one.GetString()!],
            { ValueKind: JsonValueKind.Array } many => many.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!).ToList(),
            _ => new List<string>(),
        };
        if (types.Count > 0 && !types.Any(type => Fits(value, type)))
        {
            Add(path, T("{0} given, schema says {1}", Given(value), string.Join(T(" or "), types)));
            return false;
        }

        var allowed = schema.Member("enum");
        if (allowed.ValueKind == JsonValueKind.Array && !allowed.EnumerateArray().Any(item => JsonElement.DeepEquals(item, value)))
        {
            Add(path, T("not one of {0}", string.Join(", ", allowed.EnumerateArray().Take(6))));
            return false;
        }

        if (schema.Member("const") is { ValueKind: not JsonValueKind.Undefined } only && !JsonElement.DeepEquals(only, value))
        {
            Add(path, T("not {0}", only));
            return false;
        }

        return true;
    }

    private void CheckChoices(JsonElement value, JsonElement schema, string path, int depth)
    {
        foreach (var part in schema.Member("allOf").Items())
        {
            Check(value, part, path, depth + 1);
        }

        foreach (var name in (ReadOnlySpan<string>)["anyOf", "oneOf"])
        {
            var choices = schema.Member(name).Items().ToList();
            if (choices.Count > 0 && choices.All(choice => !FitsWhole(value, choice, depth)))
            {
                // With one choice that is not null its own words say more.
                var real = choices.Where(choice => choice.Text("type") != "null").ToList();
                if (real.Count == 1)
                {
                    Check(value, real[0], path, depth + 1);
                }
                else
                {
                    Add(path, T("fits none of the choices of the schema"));
                }
            }
        }
    }

    private bool FitsWhole(JsonElement value, JsonElement schema, int depth)
    {
        var check = new SchemaCheck(_root);
        check.Check(value, schema, "", depth + 1);
        return check._problems.Count == 0;
    }

    private void CheckObject(JsonElement value, JsonElement schema, string path, int depth)
    {
        foreach (var name in schema.Member("required").Items().Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!))
        {
            if (!value.TryGetProperty(name, out _))
            {
                Add(Join(path, name), T("required, not given"));
            }
        }

        var properties = schema.Member("properties");
        var others = schema.Member("additionalProperties");
        foreach (var member in value.EnumerateObject())
        {
            var property = properties.Member(member.Name);
            if (property.ValueKind != JsonValueKind.Undefined)
            {
                Check(member.Value, property, Join(path, member.Name), depth + 1);
            }
            else if (others.ValueKind == JsonValueKind.False)
            {
                Add(Join(path, member.Name), T("not in the schema"));
            }
            else
            {
                Check(member.Value, others, Join(path, member.Name), depth + 1);
            }
        }
    }

    private void CheckBound(double figure, JsonElement schema, string least, string most, string path, string unit)
    {
        var words = unit.Length > 0 ? " " + unit : "";
        if (schema.Member(least) is { ValueKind: JsonValueKind.Number } min && min.TryGetDouble(out var low) && figure < low)
        {
            Add(path, T("{0}, schema says at least {1}", figure + words, low));
        }

        if (schema.Member(most) is { ValueKind: JsonValueKind.Number } max && max.TryGetDouble(out var high) && figure > high)
        {
            Add(path, T("{0}, schema says at most {1}", figure + words, high));
        }
    }

    // "#", "#/$defs/Step": nothing else can be looked up here.
    private JsonElement Resolve(string reference)
    {
        if (reference == "#")
        {
            return _root;
        }

        var found = _root;
        foreach (var name in reference.StartsWith("#/", StringComparison.Ordinal) ? reference[2..].Split('/') : [])
        {
            found = found.Member(name.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal));
        }

        return reference.StartsWith("#/", StringComparison.Ordinal) ? found : default;
    }

    private void Add(string path, string words) => _problems.Add(new ArgumentProblem(path.Split('.', '[')[0], path.Length == 0 ? words : $"{path}: {words}"));

    private static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";

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
