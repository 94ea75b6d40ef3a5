using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using MLflow.Server.Storage;

namespace MLflow.Server.Traces;

/// <summary>The tag that names the prompts of a trace: <c>[{"name":"p","version":"1"}]</c> (MLflow 3.11, <c>TraceTagKey.LINKED_PROMPTS</c>).</summary>
internal static class LinkedPrompts
{
    public const string Tag = "mlflow.linkedPrompts";

    /// <summary>Whoever sets tags may have written anything there; what says no prompt is left out.</summary>
    public static List<PromptVersion> Read(string? json)
    {
        try
        {
            using var document = JsonDocument.Parse(JsonText.ReplaceLoneSurrogates(Encoding.UTF8.GetBytes(json ?? "[]")));
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

    /// <summary>What the tag of a trace says, and prompts that are linked to it now.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: they are too many.</exception>
    public static List<PromptVersion> Join(string traceId, string? linked, IReadOnlyList<PromptVersion> prompts)
    {
        var all = Read(linked).Concat(prompts).Distinct().ToList();
        return all.Count <= ITraceStore.MaxPromptsOfATrace ? all : throw new MlflowException(
            ErrorCode.INVALID_PARAMETER_VALUE, $"Trace '{traceId}' cannot be linked to {all.Count} prompts: {ITraceStore.MaxPromptsOfATrace} is the most for one trace.");
    }

    public static string Write(List<PromptVersion> prompts)
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
