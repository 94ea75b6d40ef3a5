using System.Text;
using System.Text.Json.Nodes;
using MLflow.EndToEnd.Tests.Recordings;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>The body of a recorded event stream.</summary>
internal sealed record RecordedEventStream(string Id, byte[] Body)
{
    /// <summary>The recorded streams of the Responses API, those without their request too. Skips the test where they are not there.</summary>
    public static IReadOnlyList<RecordedEventStream> OfResponses() =>
        [.. Load("responses").Concat(Load("response-only")).Where(stream => Encoding.UTF8.GetString(stream.Body).Contains("\"response.", StringComparison.Ordinal))];

    public static IReadOnlyList<RecordedEventStream> Of(string api) => [.. Load(api)];

    private static IEnumerable<RecordedEventStream> Load(string api)
    {
        var folder = SharedFolder.Find(Path.Combine("recordings", api));
        Assert.SkipWhen(folder is null, "The recordings (../shared/recordings) are not here.");
        foreach (var file in Directory.GetFiles(folder!, "*.json").Order(StringComparer.Ordinal))
        {
            var document = JsonNode.Parse(File.ReadAllText(file))!;
            if ((string?)document["response"]!["body_kind"] == "sse")
            {
                yield return new RecordedEventStream((string)document["id"]!, Encoding.UTF8.GetBytes((string)document["response"]!["body"]!));
            }
        }
    }
}
