using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace MLflow.Server.Tests.Golden;

/// <summary>A request that a real MLflow client sent, and what the real server answered.</summary>
internal sealed partial record WireExchange
{
    /// <summary>Recordings of one second whose order their dates do not tell.</summary>
    private static readonly string[] Steps =
        ["log_feedback", "log_expectation", "update_assessment", "get_trace-after-feedback", "set_trace_tag", "override_feedback", "get_assessment", "delete_assessment"];

    public required string Name { get; init; }

    public required DateTimeOffset Date { get; init; }

    public required string Method { get; init; }

    public required string Path { get; init; }

    public required IReadOnlyDictionary<string, string> Headers { get; init; }

    public byte[]? Body { get; init; }

    public required int Status { get; init; }

    /// <summary>The JSON of the answer, or undefined.</summary>
    public JsonElement Answer { get; init; }

    /// <summary>The path without what differs from trace to trace.</summary>
    public string Route => Ids().Replace(Path.Split('?')[0], "{id}");

    /// <summary>Experiments that must exist for it.</summary>
    public IEnumerable<long> Experiments => ExperimentIds().Matches(Path + (Body is null ? "" : Encoding.UTF8.GetString(Body)))
        .Select(match => long.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture))
        .Concat(Headers.TryGetValue("x-mlflow-experiment-id", out var id) ? [long.Parse(id, CultureInfo.InvariantCulture)] : []);

    /// <summary>All recordings of a folder, in the order of time; what reads TypeScript's traces back was recorded after all that wrote them.</summary>
    public static IReadOnlyList<WireExchange> ReadAll(string folder) =>
        [.. Directory.GetFiles(folder, "wire-*.json")
            .Select(file => JsonDocument.Parse(File.ReadAllText(file)).RootElement.EnumerateArray().Select((item, i) => Read($"{System.IO.Path.GetFileName(file)}#{i}", item)).ToList())
            .Where(exchanges => exchanges.Count > 0)
            .OrderBy(exchanges => exchanges[0].Name.StartsWith("wire-ts-gettrace", StringComparison.Ordinal))
            .ThenBy(exchanges => exchanges[0].Date)
            .ThenBy(exchanges => !exchanges[0].Name.Contains("logging", StringComparison.Ordinal))
            .ThenBy(exchanges => Array.FindIndex(Steps, step => exchanges[0].Name.StartsWith($"wire-py-{step}.", StringComparison.Ordinal)))
            .ThenBy(exchanges => exchanges[^1].Date)
            .ThenBy(exchanges => exchanges[0].Name, StringComparer.Ordinal)
            .SelectMany(exchanges => exchanges)];

    private static WireExchange Read(string name, JsonElement item)
    {
        var request = item.GetProperty("request");
        var response = item.GetProperty("response");
        return new WireExchange
        {
            Name = name,
            Date = DateTimeOffset.Parse(response.GetProperty("headers").GetProperty("date").GetString()!, CultureInfo.InvariantCulture),
            Method = request.GetProperty("method").GetString()!,
            Path = request.GetProperty("path").GetString()!,
            Headers = request.GetProperty("headers").EnumerateObject().ToDictionary(header => header.Name, header => header.Value.GetString()!, StringComparer.OrdinalIgnoreCase),
            Body = ReadBody(request.GetProperty("body")),
            Status = response.GetProperty("status").GetInt32(),
            Answer = response.GetProperty("body") is { ValueKind: JsonValueKind.Object } body && body.TryGetProperty("json", out var json) ? json : default,
        };
    }

    private static byte[]? ReadBody(JsonElement body) => body.ValueKind != JsonValueKind.Object ? null
        : body.TryGetProperty("base64", out var base64) ? base64.GetBytesFromBase64()
        : body.TryGetProperty("json", out var json) ? Encoding.UTF8.GetBytes(json.GetRawText())
        : body.TryGetProperty("text", out var text) ? Encoding.UTF8.GetBytes(text.GetString()!)
        : null;

    [GeneratedRegex("(?:tr|a)-[0-9a-f]{32}|(?<=artifacts/)[0-9]+(?=/traces)")]
    private static partial Regex Ids();

    [GeneratedRegex("""experiment_id(?:=|"\s*:\s*")([0-9]+)""")]
    private static partial Regex ExperimentIds();
}
