using System.Text.Json;
using MLflow.Server.Traces;

namespace MLflow.Server.Pricing;

/// <summary>What of a span's usage is paid for, as parts that add up.</summary>
internal static class BillableUsage
{
    private const string Input = "input";
    private const string Output = "output";

    // Names of mlflow.llm.usage_buckets (MLflow.UsageBuckets). Reasoning and predictions are paid for as output.
    private static readonly Dictionary<string, (string Kind, string? Fallback, bool IsInput)> Kinds = new()
    {
        ["input_uncached"] = (Input, null, true),
        ["input_cache_read"] = ("cached_input", Input, true),
        ["input_cache_write"] = ("cache_write", Input, true),
        ["input_audio"] = ("audio_input", Input, true),
        ["input_image"] = ("image_input", Input, true),
        ["input_video"] = (Input, null, true),
        ["output_text"] = (Output, null, false),
        ["output_reasoning"] = (Output, null, false),
        ["output_audio"] = ("audio_output", Output, false),
        ["output_image"] = ("image_output", Output, false),
        ["output_accepted_prediction"] = (Output, null, false),
        ["output_rejected_prediction"] = (Output, null, false),
    };

    /// <summary>The tokens of a span. Empty where it tells none.</summary>
    public static IReadOnlyList<UsageBucket> Tokens(SpanRecord span)
    {
        var parts = Parts(span[AttributeNames.UsageBuckets]);
        return parts.Count > 0 ? parts : Sums(span[AttributeNames.TokenUsage]);
    }

    /// <summary>What is paid for of a call whose answer tells no tokens: seconds of speech, characters to speak, images. Empty where nothing is known.</summary>
    public static IReadOnlyList<UsageBucket> Others(SpanRecord span)
    {
        if (Object(span[AttributeNames.ReportedUsage]) is { } usage && Number(usage, "seconds") is { } seconds)
        {
            return [new("audio_input", null, true, PriceUnit.Minute, seconds)];
        }

        if (Object(span[AttributeNames.Inputs]) is not { } inputs)
        {
            return [];
        }

        if (inputs.TryGetProperty("voice", out _) && inputs.TryGetProperty("input", out var text) && text.ValueKind == JsonValueKind.String)
        {
            return [new(Input, null, true, PriceUnit.MillionCharacters, text.GetString()!.Length)];
        }

        if (Object(span[AttributeNames.Outputs]) is { } outputs && outputs.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Array
            && inputs.TryGetProperty("prompt", out _))
        {
            var kind = $"image_output[{Word(inputs, "quality", "standard")},{Word(inputs, "size", "1024x1024")}]";
            return [new(kind, null, false, PriceUnit.Image, data.GetArrayLength())];
        }

        return [];
    }

    private static List<UsageBucket> Parts(string? json)
    {
        var buckets = new List<UsageBucket>();
        if (Object(json) is { } parts)
        {
            foreach (var part in parts.EnumerateObject())
            {
                if (Kinds.TryGetValue(part.Name, out var kind) && Number(parts, part.Name) is > 0 and var count)
                {
                    buckets.Add(new(kind.Kind, kind.Fallback, kind.IsInput, PriceUnit.MillionTokens, count));
                }
            }
        }

        return buckets;
    }

    /// <summary>From MLflow's sums, in which what came from the cache is part of the input.</summary>
    private static List<UsageBucket> Sums(string? json)
    {
        var buckets = new List<UsageBucket>();
        if (Object(json) is not { } sums)
        {
            return buckets;
        }

        var input = Number(sums, "input_tokens") ?? 0;
        var read = Number(sums, "cache_read_input_tokens") ?? 0;
        var written = Number(sums, "cache_creation_input_tokens") ?? 0;

        // Some clients pass on what Anthropic counts beside the input; then the parts are more than the whole.
        var rest = read + written > input ? input : input - read - written;
        Add(Input, null, true, rest);
        Add("cached_input", Input, true, read);
        Add("cache_write", Input, true, written);
        Add(Output, null, false, Number(sums, "output_tokens") ?? 0);
        return buckets;

        void Add(string kind, string? fallback, bool isInput, decimal count)
        {
            if (count > 0)
            {
                buckets.Add(new(kind, fallback, isInput, PriceUnit.MillionTokens, count));
            }
        }
    }

    private static JsonElement? Object(string? json)
    {
        if (json is null || !json.StartsWith('{'))
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = StoredJson.MaxDepth });
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static decimal? Number(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var number) && number is >= 0 and < 1_000_000_000_000m ? number : null;

    private static string Word(JsonElement json, string name, string otherwise) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : otherwise;
}
