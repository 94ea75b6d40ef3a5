using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace MLflow.Server.Tests.Storage;

/// <summary>A trace as a plain object, and what conditions mean over it: slow, and written without a look at the store.</summary>
internal sealed record ReferenceTrace
{
    public static readonly string[] Texts = ["ask", "Ask", "a", "", "tröt", "東京 trip", "100%", "o_k", "été", "ok?", "it's", "5", "😀 ok", "say \"a\""];

    /// <summary>As filters write them: JSON, and strings without their quotes.</summary>
    public static readonly string[] AttributeValues = ["ask", "\"ask\"", "true", "5", "5.0", "2.5", "[1, 2]", "東京 trip", "{\"o\": \"k\"}", "say \"a\"", "k"];

    public required string Id { get; init; }

    public required long TimeMs { get; init; }

    public long? DurationMs { get; init; }

    public required string State { get; init; }

    /// <summary>In dollars.</summary>
    public double? Cost { get; init; }

    public long? Tokens { get; init; }

    public string? ClientRequestId { get; init; }

    public string? Name { get; init; }

    public required IReadOnlyDictionary<string, string> Tags { get; init; }

    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    public required IReadOnlyList<string> LinkedRuns { get; init; }

    public required IReadOnlyList<string> Prompts { get; init; }

    public required IReadOnlyList<ReferenceSpan> Spans { get; init; }

    public IReadOnlyList<string?> Previews { get; init; } = [];

    /// <summary>Valid ones, also those of its session: type, name, JSON.</summary>
    public required IReadOnlyList<(string Type, string Name, string Json)> Assessments { get; init; }

    public IEnumerable<string> ReadableTexts => Previews.OfType<string>().Concat(Spans.Select(span =>
        string.Join('\n', [span.Name, "", .. span.Attributes.SelectMany(pair => (IEnumerable<string>)[pair.Key, .. Pieces(JsonNode.Parse(pair.Value))]), ""])));

    /// <summary>Whether there is a span, or none, with which the condition holds.</summary>
    public static bool AnySpan(ReferenceTrace trace, Func<ReferenceTrace, ReferenceSpan?, bool> holds) => trace.Spans.Append(null).Any(span => holds(trace, span));

    public IEnumerable<string> ValuesOf(string type, string name) => Assessments.Where(item => item.Type == type && item.Name == name).Select(item => item.Json);

    public static bool Compare(string text, string op, string[] values) => op switch
    {
        "=" => text == values[0],
        "!=" => text != values[0],
        "RLIKE" => Regex.IsMatch(text, values[0], RegexOptions.CultureInvariant),
        _ => Regex.IsMatch(text, Like(values[0]), RegexOptions.Singleline | RegexOptions.CultureInvariant | (op == "ILIKE" ? RegexOptions.IgnoreCase : 0)),
    };

    public static bool CompareJson(string json, string op, string value) => op switch
    {
        "=" => IsValue(json, value),
        "!=" => !IsValue(json, value),
        _ => Compare(json, op, [value]) || (AsText(json) is { } text && Compare(text, op, [value])),
    };

    public static bool IsValue(string json, string value) => json == value || AsText(json) == value || (AsNumber(json) is { } number && AsNumber(value) == number);

    public static double? AsNumber(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static string? AsText(string json) => JsonNode.Parse(json) is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    private static IEnumerable<string> Pieces(JsonNode? node) => node switch
    {
        JsonObject value => value.SelectMany(pair => Pieces(pair.Value).Prepend(pair.Key)),
        JsonArray list => list.SelectMany(Pieces),
        null => [],
        _ => [AsText(node.ToJsonString()) ?? node.ToJsonString()],
    };

    private static string Like(string pattern) => @"\A" + string.Concat(pattern.EnumerateRunes().Select(rune => rune.ToString() switch
    {
        "%" => ".*",
        "_" => @"(?:[\uD800-\uDBFF][\uDC00-\uDFFF]|.)",
        var other => Regex.Escape(other),
    })) + @"\z";
}
