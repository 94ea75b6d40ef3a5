using System.Text.Json;

namespace MLflow;

/// <summary>Reads the <c>usage</c> object of a chat completion.</summary>
internal static class ChatUsage
{
    /// <summary>Reads the value at which the reader stands. Null where it reports no tokens.</summary>
    public static TokenUsage? Read(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return null;
        }

        long? input = null, output = null, total = null, cached = null, cacheHits = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("prompt_tokens"u8))
            {
                input = Number(ref reader);
            }
            else if (reader.ValueTextEquals("completion_tokens"u8))
            {
                output = Number(ref reader);
            }
            else if (reader.ValueTextEquals("total_tokens"u8))
            {
                total = Number(ref reader);
            }
            else if (reader.ValueTextEquals("prompt_cache_hit_tokens"u8))
            {
                cacheHits = Number(ref reader);
            }
            else if (reader.ValueTextEquals("prompt_tokens_details"u8))
            {
                reader.Read();
                cached = ReadCached(ref reader);
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }

        if (input is null && output is null && total is null)
        {
            return null;
        }

        return new TokenUsage { InputTokens = input, OutputTokens = output, TotalTokens = total, CacheReadInputTokens = cached ?? cacheHits };
    }

    private static long? ReadCached(ref Utf8JsonReader reader)
    {
        long? cached = null;
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return null;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isCached = reader.ValueTextEquals("cached_tokens"u8);
            var value = Number(ref reader);
            cached = isCached ? value : cached;
        }

        return cached;
    }

    private static long? Number(ref Utf8JsonReader reader)
    {
        reader.Read();
        var number = JsonText.ReadInt64OrNull(ref reader);
        if (number is null)
        {
            reader.Skip();
        }

        return number;
    }
}
