using System.Text.Json;

namespace MLflow.Server.Tests.Golden;

/// <summary>What one program with one instrumentation sent by OTLP, and the OpenAI exchanges behind it.</summary>
internal sealed record OtlpRecording(string Library, string Case, IReadOnlyList<OtlpPost> Posts, IReadOnlyList<JsonElement> Exchanges)
{
    public static IReadOnlyList<OtlpRecording> ReadAll(string folder) =>
    [
        .. from library in Directory.GetDirectories(folder).Order(StringComparer.Ordinal)
           from name in Directory.GetFiles(library).Select(CaseOf).Distinct().Order(StringComparer.Ordinal)
           let posts = PostsOf(library, name)
           where posts.Count > 0
           select new OtlpRecording(Path.GetFileName(library), name, posts, ExchangesOf(library, name)),
    ];

    private static string CaseOf(string file) => Path.GetFileName(file).Split('.')[0];

    private static List<OtlpPost> PostsOf(string library, string name) =>
    [
        .. from file in Directory.GetFiles(library, name + ".*").Order(StringComparer.Ordinal)
           where CaseOf(file) == name && (file.EndsWith(".pb", StringComparison.Ordinal) || file.EndsWith(".wire.json", StringComparison.Ordinal))
           let signal = Path.GetFileName(file).Split('.')[1]
           select new OtlpPost("/v1/" + signal, File.ReadAllBytes(file), file.EndsWith(".pb", StringComparison.Ordinal) ? "application/x-protobuf" : "application/json"),
    ];

    private static List<JsonElement> ExchangesOf(string library, string name)
    {
        var file = Path.Combine(library, name + ".openai.jsonl");
        return File.Exists(file) ? [.. File.ReadLines(file).Where(line => line.Length > 0).Select(line => JsonElement.Parse(line))] : [];
    }
}
