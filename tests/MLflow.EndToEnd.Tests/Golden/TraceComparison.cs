using System.Text.Json;
using System.Text.Json.Nodes;
using MLflow.EndToEnd.Tests.Recordings;

namespace MLflow.EndToEnd.Tests.Golden;

/// <summary>Compares a stored trace with a golden one, value by value. Ids, times and what tells of the machine are left out (golden/README.md).</summary>
public sealed class TraceComparison
{
    private static readonly string[] Volatile =
    [
        "mlflow.user", "mlflow.source.name", "mlflow.source.type", "mlflow.source.git.commit", "mlflow.source.git.branch", "mlflow.source.git.repoURL",
        "mlflow.trace.sizeStats", "mlflow.trace.sizeBytes", "mlflow.artifactLocation", "mlflow.traceRequestId",

        // Told only where the chunks came at different times.
        "mlflow.stream.tokens_per_second",
    ];

    private readonly string _case;
    private readonly List<Difference> _differences = [];

    private TraceComparison(string name) => _case = name;

    public static IReadOnlyList<Difference> Compare(GoldenCase golden, StoredTrace ours)
    {
        var comparison = new TraceComparison(golden.Name);
        if (golden.Trace is null)
        {
            comparison.Add("trace", null, ours.State);
            return comparison._differences;
        }

        comparison.CompareInfo(golden.Trace["info"]!, ours);
        if (ours.Spans.Count != golden.Spans.Count)
        {
            comparison.Add("spans", golden.Spans.Count, ours.Spans.Count);
        }

        foreach (var (theirSpan, ourSpan) in golden.Spans.Zip(ours.Spans))
        {
            comparison.CompareSpan(theirSpan, ourSpan, decodesTheirs: !golden.IsTypeScript);
        }

        return comparison._differences;
    }

    private void CompareInfo(JsonNode theirs, StoredTrace ours)
    {
        Compare("state", theirs["state"], ours.State);
        Compare("request_preview", theirs["request_preview"], ours.RequestPreview);
        Compare("response_preview", theirs["response_preview"], ours.ResponsePreview);
        CompareObjects("metadata", theirs["trace_metadata"]!.AsObject(), ToJson(ours.Metadata), decodesTheirs: false);
        CompareObjects("tags", theirs["tags"]!.AsObject(), ToJson(ours.Tags), decodesTheirs: false);
    }

    private void CompareSpan(JsonObject theirs, StoredSpan ours, bool decodesTheirs)
    {
        Compare("name", theirs["name"], ours.Name);
        Compare("status.code", theirs["status"]!["code"], ours.StatusCode);
        Compare("status.message", theirs["status"]!["message"], ours.StatusMessage);
        CompareObjects("attributes", theirs["attributes"]!.AsObject(), ours.Attributes, decodesTheirs);
        var events = theirs["events"]!.AsArray();
        for (var i = 0; i < Math.Max(events.Count, ours.Events.Count); i++)
        {
            var (name, attributes) = i < ours.Events.Count ? ours.Events[i] : (null, null);
            var theirEvent = i < events.Count ? events[i] : null;
            if (theirEvent is null || attributes is null)
            {
                Add("events", theirEvent?.ToJsonString(), name);
                continue;
            }

            Compare("events[].name", theirEvent["name"], name);
            CompareObjects("events[]", Chunk(theirEvent["attributes"]!.AsObject()), Chunk(attributes), decodesTheirs: false);
        }
    }

    /// <summary>A chunk is text that holds JSON; its values are compared, not its spelling.</summary>
    private static JsonObject Chunk(JsonObject attributes)
    {
        var copy = attributes.DeepClone().AsObject();
        if (copy["mlflow.chunk.value"] is { } chunk)
        {
            copy["mlflow.chunk.value"] = JsonNode.Parse((string)chunk!);
        }

        return copy;
    }

    private void CompareObjects(string path, JsonObject theirs, JsonObject ours, bool decodesTheirs)
    {
        foreach (var key in theirs.Select(p => p.Key).Union(ours.Select(p => p.Key)).Except(Volatile))
        {
            var their = theirs[key];
            Compare(
                theirs.ContainsKey(key), decodesTheirs && their is not null ? JsonNode.Parse((string)their!) : their, ours.ContainsKey(key), ours[key], $"{path}.{key}");
        }
    }

    private void Compare(string path, JsonNode? theirs, string? ours) => Compare(true, theirs, true, ours, path);

    private void Compare(bool hasTheirs, JsonNode? theirs, bool hasOurs, JsonNode? ours, string path)
    {
        if (!hasTheirs || !hasOurs)
        {
            Add(path, hasTheirs ? Text(theirs) : null, hasOurs ? Text(ours) : null);
        }
        else if (theirs is JsonObject theirObject && ours is JsonObject ourObject)
        {
            CompareObjects(path, theirObject, ourObject, decodesTheirs: false);
        }
        else if (theirs is JsonArray theirList && ours is JsonArray ourList)
        {
            for (var i = 0; i < Math.Max(theirList.Count, ourList.Count); i++)
            {
                Compare(i < theirList.Count, i < theirList.Count ? theirList[i] : null, i < ourList.Count, i < ourList.Count ? ourList[i] : null, path + "[]");
            }
        }
        else if (!JsonNode.DeepEquals(theirs, ours))
        {
            Add(path, Text(theirs), Text(ours));
        }
    }

    private void Add(string path, object? theirs, object? ours) => _differences.Add(new Difference(_case, path, theirs?.ToString(), ours?.ToString()));

    private static string Text(JsonNode? node) => node is null ? "null" : node.GetValueKind() == JsonValueKind.String ? (string)node! : node.ToJsonString(SharedFolder.AsText);

    private static JsonObject ToJson(IReadOnlyDictionary<string, string> map) => new(map.Select(p => KeyValuePair.Create(p.Key, (JsonNode?)p.Value)));
}
