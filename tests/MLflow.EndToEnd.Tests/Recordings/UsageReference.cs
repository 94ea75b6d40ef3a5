using System.Text.Json.Nodes;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>Token usage as our traces should tell it, from a reported <c>usage</c> object of either spelling.</summary>
public static class UsageReference
{
    public static JsonObject? Read(JsonObject? usage)
    {
        var input = Number(usage, "prompt_tokens") ?? Number(usage, "input_tokens");
        var output = Number(usage, "completion_tokens") ?? Number(usage, "output_tokens");
        var total = Number(usage, "total_tokens");
        if (input is null && output is null && total is null)
        {
            return null;
        }

        var details = (usage!["prompt_tokens_details"] ?? usage["input_tokens_details"] ?? usage["input_token_details"]) as JsonObject;
        var outputDetails = (usage["completion_tokens_details"] ?? usage["output_tokens_details"]) as JsonObject;
        var read = Number(usage, "cache_read_input_tokens") ?? Number(details, "cached_tokens") ?? Number(usage, "prompt_cache_hit_tokens")
            ?? Number(usage, "cached_tokens") ?? Number(usage, "num_cached_tokens");
        var written = Number(usage, "cache_creation_input_tokens") ?? Number(details, "cache_write_tokens") ?? Number(details, "cache_creation_tokens");

        // Some count reasoning beside the output, as the total shows.
        if (total is not null && Number(outputDetails, "reasoning_tokens") is > 0 and var reasoning && total == (input ?? 0) + (output ?? 0) + reasoning)
        {
            output += reasoning;
        }

        var result = new JsonObject();
        Add("input_tokens", input);
        Add("output_tokens", output);
        Add("total_tokens", total ?? (input + output));
        Add("cache_read_input_tokens", read);
        Add("cache_creation_input_tokens", written);
        return result;

        void Add(string name, long? value)
        {
            if (value is not null)
            {
                result[name] = value;
            }
        }
    }

    private static long? Number(JsonObject? o, string name) => o?[name] is JsonValue value && value.TryGetValue<double>(out var number) ? (long)number : null;
}
