using System.Text.Json;

namespace MLflow.Server.Traces;

/// <summary>The short text that lists show of a root span's inputs and outputs, as the SDK makes it for its own traces.</summary>
internal static class RootPreview
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = StoredJson.MaxDepth };

    public static string? Of(string? json, string role) =>
        json is null ? null : TracePreview.Cut((json.StartsWith('{') ? LastMessage(json, role) : null) ?? json, TracePreview.MaxLength);

    private static string? LastMessage(string json, string role)
    {
        try
        {
            using var document = JsonDocument.Parse(json, Options);
            return ChatText.Last(document.RootElement, role);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Shown as it is.
            return null;
        }
    }
}
