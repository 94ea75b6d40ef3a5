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
        if (Input is null && Output is null)
        {
            return null;
        }

        var json = new CountsJson(stackalloc byte[512]);
        if (Input is { } input)
        {
            // What is left comes first, so the parts are taken before they are written.
            var rest = input;
            var cacheRead = Take(CacheRead, ref rest);
            var cacheWrite = Take(CacheWrite, ref rest);
            var audio = Take(InputAudio - (CachedAudio ?? 0), ref rest);
            var image = Take(InputImage - (CachedImage ?? 0), ref rest);
            var video = Take(InputVideo, ref rest);
            json.Add("input_uncached"u8, rest);
            json.Add("input_cache_read"u8, cacheRead);
            json.Add("input_cache_write"u8, cacheWrite);
            json.Add("input_audio"u8, audio);
            json.Add("input_image"u8, image);
            json.Add("input_video"u8, video);
        }

        if (Output is { } output)
        {
            var rest = output;
            var reasoning = Take(Reasoning, ref rest);
            var audio = Take(OutputAudio, ref rest);
            var image = Take(OutputImage, ref rest);
            var accepted = Take(AcceptedPrediction, ref rest);
            var rejected = Take(RejectedPrediction, ref rest);
            var isTaken = (restOfOutput == OutputAudioName && audio is not null) || (restOfOutput == OutputImageName && image is not null);
            json.Add(NameOf(isTaken ? OutputText : restOfOutput), rest);
            json.Add("output_reasoning"u8, reasoning);
            json.Add("output_audio"u8, audio);
            json.Add("output_image"u8, image);
            json.Add("output_accepted_prediction"u8, accepted);
            json.Add("output_rejected_prediction"u8, rejected);
        }

        return json.ToArray();
    }

    private static ReadOnlySpan<byte> NameOf(string restOfOutput) => restOfOutput switch
    {
        OutputAudioName => "output_audio"u8,
        OutputImageName => "output_image"u8,
        _ => "output_text"u8,
    };

    private static long? Take(long? tokens, ref long rest)
    {
        if (tokens is not { } count || count < 0 || count > rest)
        {
            return null;
        }

        rest -= count;
        return count;
    }
}
