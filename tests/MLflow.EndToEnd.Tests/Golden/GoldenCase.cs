using System.Text;
using System.Text.Json.Nodes;
using MLflow.EndToEnd.Tests.Recordings;

namespace MLflow.EndToEnd.Tests.Golden;

/// <summary>What real MLflow recorded of one case, and the exchanges with OpenAI that it was recorded from.</summary>
public sealed class GoldenCase
{
    private GoldenCase(string name, JsonObject document, JsonArray exchanges)
    {
        Name = name;
        Trace = document["traces"]!.AsArray() is [var trace, ..] ? trace!.AsObject() : null;
        Exchanges = [.. exchanges.Select(exchange => new GoldenExchange(exchange!.AsObject()))];
    }

    public string Name { get; }

    /// <summary>The trace, or null where real MLflow lost it.</summary>
    public JsonObject? Trace { get; }

    public IReadOnlyList<GoldenExchange> Exchanges { get; }

    public bool IsAsync => Name.Contains("async", StringComparison.Ordinal);

    /// <summary>The request body as it was sent; where nothing was sent, as it was recorded.</summary>
    public byte[] Request => Encoding.UTF8.GetBytes(Exchanges.Count > 0 ? Exchanges[0].Request : (string)Span!["attributes"]!["mlflow.spanInputs"]!);

    public JsonObject? Span => Trace?["data"]!["spans"]![0]!.AsObject();

    public static IReadOnlyList<GoldenCase>? LoadAll(string prefix)
    {
        if (SharedFolder.Find("golden") is not { } folder)
        {
            return null;
        }

        return [.. Directory.GetFiles(folder, prefix + "*.http.json").Order(StringComparer.Ordinal).Select(file =>
        {
            var trace = file.Replace(".http.json", ".json", StringComparison.Ordinal);
            return new GoldenCase(Path.GetFileNameWithoutExtension(trace), JsonNode.Parse(File.ReadAllText(trace))!.AsObject(), JsonNode.Parse(File.ReadAllText(file))!.AsArray());
        })];
    }
}
