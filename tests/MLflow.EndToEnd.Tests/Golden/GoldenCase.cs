using System.Text;
using System.Text.Json.Nodes;
using MLflow.EndToEnd.Tests.Recordings;

namespace MLflow.EndToEnd.Tests.Golden;

/// <summary>What real MLflow recorded of one case, and the exchanges with OpenAI that it was recorded from.</summary>
public sealed class GoldenCase
{
    /// <summary>The exchanges of the TypeScript cases, in the order of their file.</summary>
    private static readonly string[] TypeScriptExchanges = ["ts-chat_plain", "ts-chat_tools", "ts-chat_stream", "ts-embeddings", "ts-responses", "ts-chat_error_429"];

    private GoldenCase(string name, JsonObject? trace, IEnumerable<JsonNode?> exchanges)
    {
        Name = name;
        Trace = trace;
        Exchanges = [.. exchanges.Select(exchange => new GoldenExchange(exchange!.AsObject()))];
    }

    public string Name { get; }

    /// <summary>The trace, or null where real MLflow lost it.</summary>
    public JsonObject? Trace { get; }

    public IReadOnlyList<GoldenExchange> Exchanges { get; }

    /// <summary>Recorded by the TypeScript SDK, whose trace holds attributes as JSON; that of the Python SDK holds them as text.</summary>
    public bool IsTypeScript => Name.StartsWith("ts-", StringComparison.Ordinal);

    public bool IsAsync => Name.Contains("async", StringComparison.Ordinal);

    /// <summary>The path below <c>/v1</c>.</summary>
    public string Path => Exchanges.Count > 0 ? Exchanges[0].Path : "/v1/chat/completions";

    /// <summary>The request body as it was sent; where nothing was sent, as it was recorded.</summary>
    public byte[] Request => Encoding.UTF8.GetBytes(Exchanges.Count > 0 ? Exchanges[0].Request : (string)Spans[0]["attributes"]!["mlflow.spanInputs"]!);

    public IReadOnlyList<JsonObject> Spans => [.. Trace!["data"]!["spans"]!.AsArray().Select(span => span!.AsObject())];

    /// <summary>The cases of a call of OpenAI, of both SDKs, and those without one; null where they are not there.</summary>
    public static IReadOnlyList<GoldenCase>? LoadAll()
    {
        if (SharedFolder.Find("golden") is not { } folder)
        {
            return null;
        }

        var python = Directory.GetFiles(folder, "*.http.json").Order(StringComparer.Ordinal).Select(file =>
        {
            var trace = file.Replace(".http.json", ".json", StringComparison.Ordinal);
            var name = System.IO.Path.GetFileNameWithoutExtension(trace);
            return new GoldenCase(name, JsonNode.Parse(File.ReadAllText(trace))!["traces"]!.AsArray().FirstOrDefault()?.AsObject(), JsonNode.Parse(File.ReadAllText(file))!.AsArray());
        });
        var exchanges = File.ReadAllLines(System.IO.Path.Combine(folder, "ts-openai.http.jsonl")).Select(line => JsonNode.Parse(line)).ToList();
        var typeScript = Directory.GetFiles(folder, "ts-*.json").Order(StringComparer.Ordinal).Select(file =>
        {
            var name = System.IO.Path.GetFileNameWithoutExtension(file);
            var at = Array.IndexOf(TypeScriptExchanges, name);
            return new GoldenCase(name, JsonNode.Parse(File.ReadAllText(file))!.AsObject(), at < 0 ? [] : [exchanges[at]]);
        });
        return [.. python, .. typeScript];
    }
}
