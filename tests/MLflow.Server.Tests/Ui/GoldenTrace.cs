using System.Text.Json;
using MLflow.Server.Traces;
using Xunit;

namespace MLflow.Server.Tests.Ui;

/// <summary>Traces that real MLflow recorded, as span records. They lie beside the repository.</summary>
internal static class GoldenTrace
{
    /// <summary>The spans of a case; skips the test where the folder is absent.</summary>
    public static IReadOnlyList<SpanRecord> Load(string name)
    {
        var path = Find(Path.Combine("golden", name + ".json"));
        Assert.SkipWhen(path is null, "The golden traces are not beside the repository, and MLFLOW_TEST_SHARED does not name their folder.");
        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        var trace = document.RootElement.GetProperty("traces")[0];
        var id = trace.GetProperty("info").GetProperty("trace_id").GetString()!;
        return [.. trace.GetProperty("data").GetProperty("spans").EnumerateArray().Select(span => Read(span, id))];
    }

    /// <summary>The names of all cases that hold a trace.</summary>
    public static IEnumerable<string> Cases()
    {
        var folder = Find("golden");
        return folder is null
            ? []
            : Directory.EnumerateFiles(folder, "*.json").Where(path => !path.EndsWith(".http.json", StringComparison.Ordinal) && Holds(path)).Select(path => Path.GetFileNameWithoutExtension(path));
    }

    private static bool Holds(string path)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("traces", out var traces) && traces.GetArrayLength() > 0;
    }

    private static string? Find(string path)
    {
        if (Environment.GetEnvironmentVariable("MLFLOW_TEST_SHARED") is { Length: > 0 } configured)
        {
            return Path.Exists(Path.Combine(configured, path)) ? Path.Combine(configured, path) : null;
        }

        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (Path.Combine(folder.FullName, "shared", path) is var found && Path.Exists(found))
            {
                return found;
            }
        }

        return null;
    }

    private static SpanRecord Read(JsonElement span, string traceId)
    {
        var attributes = Attributes(span.GetProperty("attributes"), areJson: true);
        return new SpanRecord
        {
            TraceId = traceId,
            OtelTraceId = Hex(span.GetProperty("trace_id")),
            SpanId = Hex(span.GetProperty("span_id")),
            ParentSpanId = span.GetProperty("parent_span_id").ValueKind == JsonValueKind.String ? Hex(span.GetProperty("parent_span_id")) : null,
            Name = span.GetProperty("name").GetString()!,
            Type = attributes.Find(a => a.Key == "mlflow.spanType").Value?.Trim('"') ?? "UNKNOWN",
            Status = span.GetProperty("status").GetProperty("code").GetString() switch
            {
                "STATUS_CODE_OK" => SpanStatus.Ok,
                "STATUS_CODE_ERROR" => SpanStatus.Error,
                _ => SpanStatus.Unset,
            },
            StatusMessage = span.GetProperty("status").GetProperty("message").GetString(),
            StartNs = span.GetProperty("start_time_unix_nano").GetInt64(),
            EndNs = span.GetProperty("end_time_unix_nano").ValueKind == JsonValueKind.Number ? span.GetProperty("end_time_unix_nano").GetInt64() : null,
            Attributes = attributes,
            Events = [.. span.GetProperty("events").EnumerateArray().Select(e => new SpanEventRecord(
                e.GetProperty("name").GetString()!, e.GetProperty("time_unix_nano").GetInt64(), Attributes(e.GetProperty("attributes"), areJson: false)))],
        };
    }

    // Attributes of spans are JSON in strings; those of events are plain values.
    private static List<KeyValuePair<string, string>> Attributes(JsonElement attributes, bool areJson) =>
        [.. attributes.EnumerateObject().Select(a => KeyValuePair.Create(a.Name, areJson && a.Value.ValueKind == JsonValueKind.String ? a.Value.GetString()! : a.Value.GetRawText()))];

    private static string Hex(JsonElement id) => Convert.ToHexStringLower(Convert.FromBase64String(id.GetString()!));
}
