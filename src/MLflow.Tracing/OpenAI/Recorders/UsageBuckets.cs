namespace MLflow;

/// <summary>
/// Token usage as additive parts: no token is in two of them, those of the input add up to the input tokens, those of the output to the output tokens. The
/// part that servers do not name, plain text that came from no cache, is what is left. A part that was not reported is absent, as is one that cannot be
/// right because it is larger than what is left of its whole.
/// </summary>
internal struct UsageBuckets
{
    public const string OutputText = "output_text";
    public const string OutputAudioName = "output_audio";
    public const string OutputImageName = "output_image";

    private const long MaxTokens = 1L << 52;

    private readonly List<KeyValuePair<string, long>> _parts = [];

    public UsageBuckets()
    {
    }

    public long? Input { get; set; }

    public long? Output { get; set; }

    public long? Total { get; set; }

    public long? CacheRead { get; set; }

    public long? CacheWrite { get; set; }

    public long? InputAudio { get; set; }

    public long? InputImage { get; set; }

    public long? InputVideo { get; set; }

    /// <summary>Audio of the input that came from the cache, and so is part of <see cref="CacheRead"/> too.</summary>
    public long? CachedAudio { get; set; }

    /// <summary>Images of the input that came from the cache, and so are part of <see cref="CacheRead"/> too.</summary>
    public long? CachedImage { get; set; }

    public long? Reasoning { get; set; }

    public long? OutputAudio { get; set; }

    public long? OutputImage { get; set; }

    public long? AcceptedPrediction { get; set; }

    public long? RejectedPrediction { get; set; }

    /// <summary>True when the cached tokens were reported as Anthropic does, under names of their own at the top.</summary>
    public bool HasCacheBeside { get; set; }

    /// <summary>True when <see cref="Input"/> was reported under the name that Anthropic and the Responses API use.</summary>
    public bool IsInputTokens { get; set; }

    /// <summary>A count as reported, or null where it cannot be one.</summary>
    public static long? Count(long? reported) => reported is >= 0 and <= MaxTokens ? reported : null;

    /// <summary>
    /// Makes input and output wholes where the server reports them without their parts. Anthropic counts what it read from and wrote to the cache beside
    /// the input, xAI the reasoning beside the output; the total tells, and without one the names do.
    /// </summary>
    public void MakeWhole()
    {
        if (Input is { } input && HasCacheBeside)
        {
            var beside = (CacheRead ?? 0) + (CacheWrite ?? 0);
            var isBeside = Total is { } total && Output is { } output && beside > 0
                ? total == input + output + beside
                : Total is null && (IsInputTokens || beside > input);
            Input = isBeside ? input + beside : input;
        }

        if (Total is { } all && Output is { } written && Reasoning is > 0 and var reasoning && all == (Input ?? 0) + written + reasoning)
        {
            Output = written + reasoning;
        }
    }

    /// <summary>The parts as JSON; null where neither input nor output is known.</summary>
    /// <param name="restOfOutput">What output tokens are that the usage does not tell apart.</param>
    public readonly byte[]? Write(string restOfOutput = OutputText)
    {
        if (Input is { } input)
        {
            var rest = input;
            Take("input_cache_read", CacheRead, ref rest);
            Take("input_cache_write", CacheWrite, ref rest);
            Take("input_audio", InputAudio - (CachedAudio ?? 0), ref rest);
            Take("input_image", InputImage - (CachedImage ?? 0), ref rest);
            Take("input_video", InputVideo, ref rest);
            _parts.Insert(0, new("input_uncached", rest));
        }

        if (Output is { } output)
        {
            var rest = output;
            var at = _parts.Count;
            Take("output_reasoning", Reasoning, ref rest);
            Take(OutputAudioName, OutputAudio, ref rest);
            Take(OutputImageName, OutputImage, ref rest);
            Take("output_accepted_prediction", AcceptedPrediction, ref rest);
            Take("output_rejected_prediction", RejectedPrediction, ref rest);
            _parts.Insert(at, new(_parts.Exists(part => part.Key == restOfOutput) ? OutputText : restOfOutput, rest));
        }

        if (_parts.Count == 0)
        {
            return null;
        }

        return ScratchJson.Write(_parts, static (json, parts) =>
        {
            json.WriteStartObject();
            foreach (var (name, tokens) in parts)
            {
                json.WriteNumber(name, tokens);
            }

            json.WriteEndObject();
        });
    }

    private readonly void Take(string name, long? tokens, ref long rest)
    {
        if (tokens is { } count && count >= 0 && count <= rest)
        {
            _parts.Add(new(name, count));
            rest -= count;
        }
    }
}
