using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sqlite;

/// <content>Prompts of traces. They stand in the tag by which clients tell them, so that what is told either way is found alike.</content>
internal sealed partial class SqliteTraceStore
{
    /// <summary>Value: <c>[{"name":"p","version":"1"}]</c> (MLflow 3.11, <c>TraceTagKey.LINKED_PROMPTS</c>).</summary>
    private const string LinkedPromptsTag = "mlflow.linkedPrompts";

    private const string SelectTagSql = "SELECT value FROM trace_tags WHERE trace_id = ?1 AND key = ?2";

    public Task LinkPromptsAsync(string traceId, IReadOnlyList<PromptVersion> prompts, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session =>
        {
            TraceExistence.Require(session, traceId);
            var rows = session[SelectTagSql].Bind(1, traceId).Bind(2, LinkedPromptsTag);
            var linked = rows.Read() ? rows.GetString(0) : null;
            rows.Reset();
            var all = ReadPrompts(linked).Concat(prompts).Distinct().ToList();
            if (all.Count > ITraceStore.MaxPromptsOfATrace)
            {
                throw new MlflowException(
                    ErrorCode.INVALID_PARAMETER_VALUE,
                    $"Trace '{traceId}' cannot be linked to {all.Count} prompts: {ITraceStore.MaxPromptsOfATrace} is the most for one trace.");
            }

            if (all.Count > 0)
            {
                session[SqliteTraceWriter.UpsertTagSql].Bind(1, traceId).Bind(2, LinkedPromptsTag).Bind(3, WritePrompts(all)).Execute();
            }

            return true;
        },
        cancellationToken);

    // Whoever sets tags may have written anything there; what says no prompt is not kept.
    private static List<PromptVersion> ReadPrompts(string? json)
    {
        try
        {
            using var document = JsonDocument.Parse(json ?? "[]");
            return document.RootElement.ValueKind != JsonValueKind.Array ? []
                : [.. document.RootElement.EnumerateArray()
                    .Where(item => item.ValueKind == JsonValueKind.Object && item.TryGetProperty("name", out _) && item.TryGetProperty("version", out _))
                    .Select(item => new PromptVersion(item.GetProperty("name").ToString(), item.GetProperty("version").ToString()))];
        }
        catch (JsonException)
        {
            return [];
        }
    }

    private static string WritePrompts(List<PromptVersion> prompts)
    {
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartArray();
            foreach (var prompt in prompts)
            {
                writer.WriteStartObject();
                writer.WriteString("name", prompt.Name);
                writer.WriteString("version", prompt.Version);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        return Encoding.UTF8.GetString(json.GetBuffer().AsSpan(0, (int)json.Length));
    }
}
