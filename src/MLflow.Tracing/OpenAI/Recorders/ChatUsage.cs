using System.Text.Json;

namespace MLflow;

/// <summary>Reads a <c>usage</c> object, in the spelling of chat completions (<c>prompt_tokens</c>) or of the newer APIs (<c>input_tokens</c>).</summary>
internal static class ChatUsage
{
    /// <summary>Reads the value at which the reader stands. Fields that it does not report stay as they are.</summary>
    public static void Read(ref Utf8JsonReader reader, ReadOnlySpan<byte> json, RecordedFields fields)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        var start = (int)reader.TokenStartIndex;
        var usage = default(UsageBuckets);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.ValueSpan;
            reader.Read();
            ReadField(name, ref reader, ref usage);
            reader.Skip();
        }

        fields.ReportedUsage = JsonText.ReplaceLoneSurrogates(json[start..(int)reader.BytesConsumed]);

        if (usage.Input is null && usage.Output is null && usage.Total is null)
        {
            return;
        }

        usage.MakeWhole();
        fields.Usage = new TokenUsage
        {
            InputTokens = usage.Input,
            OutputTokens = usage.Output,
            TotalTokens = usage.Total ?? (usage.Input + usage.Output),
            CacheReadInputTokens = usage.CacheRead,
            CacheCreationInputTokens = usage.CacheWrite,
        };
        fields.UsageBuckets = usage.Write(fields.RestOfOutput);
    }

    private static void ReadField(ReadOnlySpan<byte> name, ref Utf8JsonReader reader, ref UsageBuckets usage)
    {
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            if (name.SequenceEqual("prompt_tokens_details"u8) || name.SequenceEqual("input_tokens_details"u8) || name.SequenceEqual("input_token_details"u8))
            {
                ReadInput(ref reader, ref usage);
            }
            else if (name.SequenceEqual("completion_tokens_details"u8) || name.SequenceEqual("output_tokens_details"u8) || name.SequenceEqual("output_token_details"u8))
            {
                ReadOutput(ref reader, ref usage);
            }

            return;
        }

        if (Number(ref reader) is not { } count)
        {
            return;
        }

        if (name.SequenceEqual("prompt_tokens"u8))
        {
            usage.Input = count;
        }
        else if (name.SequenceEqual("input_tokens"u8))
        {
            usage.Input ??= count;
            usage.IsInputTokens = true;
        }
        else if (name.SequenceEqual("completion_tokens"u8))
        {
            usage.Output = count;
        }
        else if (name.SequenceEqual("output_tokens"u8))
        {
            usage.Output ??= count;
        }
        else if (name.SequenceEqual("total_tokens"u8))
        {
            usage.Total = count;
        }
        else if (name.SequenceEqual("prompt_cache_hit_tokens"u8) || name.SequenceEqual("cached_tokens"u8) || name.SequenceEqual("num_cached_tokens"u8))
        {
            // DeepSeek; Moonshot and Hugging Face; DeepInfra.
            usage.CacheRead ??= count;
        }
        else if (name.SequenceEqual("cache_read_input_tokens"u8))
        {
            usage.CacheRead = count;
            usage.HasCacheBeside = true;
        }
        else if (name.SequenceEqual("cache_creation_input_tokens"u8))
        {
            usage.CacheWrite = count;
            usage.HasCacheBeside = true;
        }
    }

    private static void ReadInput(ref Utf8JsonReader reader, ref UsageBuckets usage)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.ValueSpan;
            reader.Read();
            if (name.SequenceEqual("cached_tokens_details"u8) && reader.TokenType == JsonTokenType.StartObject)
            {
                ReadCached(ref reader, ref usage);
            }
            else if (name.SequenceEqual("cached_tokens"u8))
            {
                usage.CacheRead = Number(ref reader) ?? usage.CacheRead;
            }
            else if (name.SequenceEqual("cache_write_tokens"u8) || name.SequenceEqual("cache_creation_tokens"u8))
            {
                usage.CacheWrite ??= Number(ref reader);
            }
            else if (name.SequenceEqual("audio_tokens"u8))
            {
                usage.InputAudio = Number(ref reader);
            }
            else if (name.SequenceEqual("image_tokens"u8))
            {
                usage.InputImage = Number(ref reader);
            }
            else if (name.SequenceEqual("video_tokens"u8))
            {
                usage.InputVideo = Number(ref reader);
            }

            reader.Skip();
        }
    }

    private static void ReadCached(ref Utf8JsonReader reader, ref UsageBuckets usage)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.ValueSpan;
            reader.Read();
            if (name.SequenceEqual("audio_tokens"u8))
            {
                usage.CachedAudio = Number(ref reader);
            }
            else if (name.SequenceEqual("image_tokens"u8))
            {
                usage.CachedImage = Number(ref reader);
            }

            reader.Skip();
        }
    }

    private static void ReadOutput(ref Utf8JsonReader reader, ref UsageBuckets usage)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.ValueSpan;
            reader.Read();
            if (name.SequenceEqual("reasoning_tokens"u8))
            {
                usage.Reasoning = Number(ref reader);
            }
            else if (name.SequenceEqual("audio_tokens"u8))
            {
                usage.OutputAudio = Number(ref reader);
            }
            else if (name.SequenceEqual("image_tokens"u8))
            {
                usage.OutputImage = Number(ref reader);
            }
            else if (name.SequenceEqual("accepted_prediction_tokens"u8))
            {
                usage.AcceptedPrediction = Number(ref reader);
            }
            else if (name.SequenceEqual("rejected_prediction_tokens"u8))
            {
                usage.RejectedPrediction = Number(ref reader);
            }

            reader.Skip();
        }
    }

    private static long? Number(ref Utf8JsonReader reader) => UsageBuckets.Count(JsonText.ReadInt64OrNull(ref reader));
}
