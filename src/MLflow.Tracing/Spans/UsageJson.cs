namespace MLflow;

/// <summary>Writes token usage as MLflow stores it (<c>mlflow.chat.tokenUsage</c>, <c>mlflow.trace.tokenUsage</c>).</summary>
internal static class UsageJson
{
    public static byte[] Write(TokenUsage usage)
    {
        var json = new CountsJson(stackalloc byte[320]);
        json.Add("input_tokens"u8, usage.InputTokens);
        json.Add("output_tokens"u8, usage.OutputTokens);
        json.Add("total_tokens"u8, usage.TotalTokens);
        json.Add("cache_read_input_tokens"u8, usage.CacheReadInputTokens);
        json.Add("cache_creation_input_tokens"u8, usage.CacheCreationInputTokens);
        return json.ToArray();
    }
}
