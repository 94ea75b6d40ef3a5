using System.Text.Json.Nodes;
using MLflow.EndToEnd.Tests.Recordings;
using Xunit;

namespace MLflow.EndToEnd.Tests.Replay;

/// <summary>Traces that clients of real MLflow wrote, Python's by <c>Trace.to_json()</c>.</summary>
public sealed class GoldenTraceTests
{
    [Fact]
    public void ParseAll_TracesOfRealMlflow_HaveTheirSpans()
    {
        var folder = SharedFolder.Find("golden");
        Assert.SkipWhen(folder is null, "The golden traces (../shared/golden) are not here.");
        var spans = 0;
        foreach (var file in Directory.GetFiles(folder!, "*.json").Order(StringComparer.Ordinal))
        {
            if (JsonNode.Parse(File.ReadAllText(file)) is not JsonObject golden)
            {
                continue;
            }

            JsonNode?[] traces = golden["traces"] is JsonArray list ? [.. list] : golden["data"] is null ? [] : [golden];
            var read = traces.Length == 0 ? [] : TraceRecord.ParseAll(golden.ToJsonString());
            Assert.Equal(traces.Select(trace => (string)trace!["info"]!["trace_id"]!), read.Select(trace => trace.TraceId));
            foreach (var (expected, actual) in traces.SelectMany(trace => trace!["data"]!["spans"]!.AsArray()).Zip(read.SelectMany(trace => trace.Spans)))
            {
                spans++;
                Assert.Equal((string)expected!["name"]!, actual.Name);
                Assert.Equal(expected["events"]!.AsArray().Count, actual.Events.Count);

                // Python writes JSON into a string, TypeScript the value itself.
                var inputs = expected["attributes"]!["mlflow.spanInputs"];
                inputs = inputs is JsonValue text ? JsonNode.Parse((string)text!) : inputs;
                Assert.True(JsonNode.DeepEquals(inputs, JsonNode.Parse(actual.Inputs?.GetRawText() ?? "null")), $"{file} {actual}");
            }
        }

        Assert.True(spans > 40, $"{spans} spans were read.");
    }
}
