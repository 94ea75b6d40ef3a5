using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Ui.List;

/// <summary>What a filter can compare, as readers choose it.</summary>
/// <param name="Text">As it is typed; of a field with a key, what stands before it: <c>tags.</c>.</param>
/// <param name="Title">In a chip and in a menu.</param>
/// <param name="Operators">Those that it takes, the usual one first.</param>
/// <param name="IsNumber">Whether its value stands without quotes.</param>
public sealed record FilterField(string Text, string Title, IReadOnlyList<string> Operators, bool IsNumber = false)
{
    private static readonly string[] Texts = ["=", "!=", "LIKE", "ILIKE", "RLIKE"];
    private static readonly string[] TextsOrList = [.. Texts, "IN", "NOT IN"];
    private static readonly string[] TextsOrNull = [.. Texts, "IS NULL", "IS NOT NULL"];
    private static readonly string[] Numbers = [">", ">=", "<", "<=", "=", "!="];
    private static readonly string[] Patterns = ["ILIKE", "LIKE"];

    /// <summary>All that the list offers; the grammar has further names for some of them.</summary>
    public static readonly IReadOnlyList<FilterField> All =
    [
        new("trace.text", "text", Patterns),
        new("trace.status", "status", TextsOrList),
        new("trace.execution_time_ms", "latency in ms", Numbers, IsNumber: true),
        new("trace.cost", "cost in $", Numbers, IsNumber: true),
        new("trace.tokens", "tokens", Numbers, IsNumber: true),
        new("trace.first_token_ms", "first token in ms", Numbers, IsNumber: true),
        new("trace.name", "name", TextsOrNull),
        new("metadata.`mlflow.trace.user`", "user", TextsOrNull),
        new("metadata.`mlflow.trace.session`", "session", TextsOrNull),
        new("trace.timestamp_ms", "time in ms", Numbers, IsNumber: true),
        new("trace.end_time_ms", "end in ms", Numbers, IsNumber: true),
        new("trace.request_id", "trace id", TextsOrList),
        new("trace.client_request_id", "request id", TextsOrList),
        new("trace.run_id", "run", TextsOrNull),
        new("trace.prompt", "prompt", ["="]),
        new("span.name", "span", TextsOrList),
        new("span.type", "span type", TextsOrList),
        new("span.status", "span status", TextsOrList),
        new("span.content", "span content", Patterns),
        new("span.attributes.", "span attribute", [.. TextsOrList, "IS NULL", "IS NOT NULL", .. Numbers[..4]]),
        new("tags.", "tag", TextsOrNull),
        new("metadata.", "metadata", TextsOrNull),
        new("feedback.", "feedback", TextsOrNull),
        new("expectation.", "expectation", TextsOrNull),
    ];

    // What people call them, in other tools too.
    private static readonly Dictionary<string, string> OtherNames = new(StringComparer.OrdinalIgnoreCase)
    {
        ["latency"] = "trace.execution_time_ms",
        ["duration"] = "trace.execution_time_ms",
        ["latency_ms"] = "trace.execution_time_ms",
        ["time"] = "trace.timestamp_ms",
        ["state"] = "trace.status",
        ["error"] = "trace.status",
        ["user"] = "metadata.`mlflow.trace.user`",
        ["session"] = "metadata.`mlflow.trace.session`",
        ["id"] = "trace.request_id",
        ["trace_id"] = "trace.request_id",
        ["request"] = "trace.text",
        ["response"] = "trace.text",
        ["type"] = "span.type",
        ["text"] = "trace.text",
    };

    /// <summary>Whether a key of the reader's follows.</summary>
    public bool HasKey => Text.EndsWith('.');

    /// <summary>The field that a clause compares, with its key; null where the list does not offer it under this name.</summary>
    internal static (FilterField Field, string? Key)? Of(FilterClause clause)
    {
        var name = clause.Prefix switch
        {
            null or "attribute" or "attributes" => "trace." + clause.Key,
            "tag" => "tags." + clause.Key,
            "request_metadata" => "metadata." + clause.Key,
            _ => $"{clause.Prefix}.{clause.Key}",
        };
        name = name switch
        {
            "trace.timestamp" => "trace.timestamp_ms",
            "trace.execution_time" => "trace.execution_time_ms",
            "trace.end_time" => "trace.end_time_ms",
            _ => name,
        };
        if (All.FirstOrDefault(field => field.Text.Replace("`", "", StringComparison.Ordinal) == name) is { } whole)
        {
            return (whole, null);
        }

        return All.FirstOrDefault(field => field.HasKey && name.StartsWith(field.Text, StringComparison.Ordinal)) is { } keyed ? (keyed, name[keyed.Text.Length..]) : null;
    }

    /// <summary>The field that somebody may have meant, as it is typed; null where none is near.</summary>
    public static string? Nearest(string name)
    {
        var last = name[(name.LastIndexOf('.') + 1)..];
        if (OtherNames.GetValueOrDefault(last) is { } other)
        {
            return other;
        }

        // What differs in more than half of its characters is another name altogether.
        var (field, distance) = All.Where(field => !field.HasKey).Select(field => field.Text)
            .SelectMany(text => new[] { (text, Distance: Distance(name, text)), (text, Distance: Distance(last, text[(text.LastIndexOf('.') + 1)..].Trim('`'))) })
            .Concat(OtherNames.Select(pair => (text: pair.Value, Distance: Distance(last, pair.Key))))
            .MinBy(candidate => candidate.Distance);
        return distance * 2 <= last.Length ? field : null;
    }

    // Levenshtein's.
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var corner = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(above, row[j - 1]) + 1, corner + (char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1));
                corner = above;
            }
        }

        return row[b.Length];
    }
}
