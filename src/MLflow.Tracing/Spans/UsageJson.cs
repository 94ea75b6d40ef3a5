using System.Text.Json;

namespace MLflow;

/// <summary>Writes token usage as MLflow stores it (<c>mlflow.chat.tokenUsage</c>, <c>mlflow.trace.tokenUsage</c>).</summary>
internal static class UsageJson
{
    public static byte[] Write(TokenUsage usage) => ScratchJson.Write(usage, static (writer, usage) =>
    {
        writer.WriteStartObject();
        WriteNumber(writer, "input_tokens", usage.InputTokens);
        WriteNumber(writer, "output_tokens", usage.OutputTokens);
        WriteNumber(writer, "total_tokens", usage.TotalTokens);
        WriteNumber(writer, "cache_read_input_tokens", usage.CacheReadInputTokens);
        WriteNumber(writer, "cache_creation_input_tokens", usage.CacheCreationInputTokens);
        writer.WriteEndObject();
    });

    private static void WriteNumber(Utf8JsonWriter writer, string name, long? value)
    {
        if (value is { } number)
        {
            writer.WriteNumber(name, number);
        }
    }
}
