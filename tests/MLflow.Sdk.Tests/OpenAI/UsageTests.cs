using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using MLflow.EndToEnd.Tests.Recordings;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

public sealed class UsageTests
{
    [Theory]
    [InlineData(
        "OpenAI",
        """{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,"prompt_tokens_details":{"cached_tokens":40,"audio_tokens":10},"completion_tokens_details":{"reasoning_tokens":20,"audio_tokens":5,"accepted_prediction_tokens":3,"rejected_prediction_tokens":2}}""",
        """{"input_uncached":50,"input_cache_read":40,"input_audio":10,"output_text":20,"output_reasoning":20,"output_audio":5,"output_accepted_prediction":3,"output_rejected_prediction":2}""",
        """{"input_tokens":100,"output_tokens":50,"total_tokens":150,"cache_read_input_tokens":40}""")]
    [InlineData(
        "Responses",
        """{"input_tokens":100,"input_tokens_details":{"cached_tokens":0,"cache_write_tokens":30},"output_tokens":50,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":150}""",
        """{"input_uncached":70,"input_cache_read":0,"input_cache_write":30,"output_text":50,"output_reasoning":0}""",
        """{"input_tokens":100,"output_tokens":50,"total_tokens":150,"cache_read_input_tokens":0,"cache_creation_input_tokens":30}""")]
    [InlineData("nothing but totals", """{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}""", """{"input_uncached":3,"output_text":4}""", """{"input_tokens":3,"output_tokens":4,"total_tokens":7}""")]
    [InlineData("embeddings", """{"prompt_tokens":3,"total_tokens":3}""", """{"input_uncached":3}""", """{"input_tokens":3,"total_tokens":3}""")]
    [InlineData(
        "Anthropic's counts beside the input",
        """{"input_tokens":10,"output_tokens":5,"cache_creation_input_tokens":20,"cache_read_input_tokens":70}""",
        """{"input_uncached":10,"input_cache_read":70,"input_cache_write":20,"output_text":5}""",
        """{"input_tokens":100,"output_tokens":5,"total_tokens":105,"cache_read_input_tokens":70,"cache_creation_input_tokens":20}""")]
    [InlineData(
        "the same names within the input",
        """{"prompt_tokens":100,"completion_tokens":5,"total_tokens":105,"cache_creation_input_tokens":20,"cache_read_input_tokens":70}""",
        """{"input_uncached":10,"input_cache_read":70,"input_cache_write":20,"output_text":5}""",
        """{"input_tokens":100,"output_tokens":5,"total_tokens":105,"cache_read_input_tokens":70,"cache_creation_input_tokens":20}""")]
    [InlineData(
        "DeepSeek",
        """{"prompt_tokens":339,"completion_tokens":92,"total_tokens":431,"prompt_cache_hit_tokens":320,"prompt_cache_miss_tokens":19}""",
        """{"input_uncached":19,"input_cache_read":320,"output_text":92}""",
        """{"input_tokens":339,"output_tokens":92,"total_tokens":431,"cache_read_input_tokens":320}""")]
    [InlineData(
        "reasoning beside the output",
        """{"prompt_tokens":10,"completion_tokens":5,"total_tokens":35,"completion_tokens_details":{"reasoning_tokens":20}}""",
        """{"input_uncached":10,"output_text":5,"output_reasoning":20}""",
        """{"input_tokens":10,"output_tokens":25,"total_tokens":35}""")]
    [InlineData(
        "more in the cache than there was",
        """{"prompt_tokens":203,"completion_tokens":15,"total_tokens":218,"prompt_tokens_details":{"cached_tokens":314}}""",
        """{"input_uncached":203,"output_text":15}""",
        """{"input_tokens":203,"output_tokens":15,"total_tokens":218,"cache_read_input_tokens":314}""")]
    [InlineData(
        "audio in the cache",
        """{"input_tokens":100,"output_tokens":9,"total_tokens":109,"input_token_details":{"text_tokens":40,"audio_tokens":60,"cached_tokens":50,"cached_tokens_details":{"text_tokens":10,"audio_tokens":40}},"output_token_details":{"text_tokens":4,"audio_tokens":5}}""",
        """{"input_uncached":30,"input_cache_read":50,"input_audio":20,"output_text":4,"output_audio":5}""",
        """{"input_tokens":100,"output_tokens":9,"total_tokens":109,"cache_read_input_tokens":50}""")]
    [InlineData(
        "images",
        """{"input_tokens":22,"input_tokens_details":{"image_tokens":2,"text_tokens":20},"output_tokens":2112,"output_tokens_details":{"image_tokens":2112,"text_tokens":0},"total_tokens":2134}""",
        """{"input_uncached":20,"input_image":2,"output_text":0,"output_image":2112}""",
        """{"input_tokens":22,"output_tokens":2112,"total_tokens":2134}""")]
    [InlineData("no tokens", """{"type":"duration","seconds":37}""", null, null)]
    [InlineData("no counts", """{"prompt_tokens":-1,"completion_tokens":null,"total_tokens":"7"}""", null, null)]
    [InlineData("total only", """{"total_tokens":3}""", null, """{"total_tokens":3}""")]
    public void Usage_OfAProvider_IsCutIntoParts(string provider, string usage, string? buckets, string? tokens)
    {
        var fields = Read(usage);

        Assert.Equal(buckets, fields.UsageBuckets is null ? null : Encoding.UTF8.GetString(fields.UsageBuckets));
        Assert.Equal(tokens, fields.Usage is { } known ? Encoding.UTF8.GetString(UsageJson.Write(known)) : null);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(usage), JsonNode.Parse(fields.ReportedUsage)), provider);
    }

    [Fact]
    public void Usage_OfImagesWithoutDetails_IsOfImages()
    {
        var fields = new RecordedFields { RestOfOutput = ApiCatalog.Find("POST", "/v1/images/generations")!.RestOfOutput };

        ResponseReader.Read("""{"usage":{"input_tokens":1,"output_tokens":2,"total_tokens":3}}"""u8, fields);

        Assert.Equal("""{"input_uncached":1,"output_image":2}""", Encoding.UTF8.GetString(fields.UsageBuckets!));
    }

    [Fact]
    public void Usage_InGroqsField_IsRead()
    {
        var fields = new RecordedFields();

        ResponseReader.Read("""{"choices":[],"x_groq":{"id":"req","usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}}"""u8, fields);

        Assert.Equal(3, fields.Usage?.TotalTokens);
    }

    [Fact]
    public void Usage_EveryRecorded_AddsUp()
    {
        var root = SharedFolder.Find("recordings");
        Assert.SkipWhen(root is null, "The recordings (../shared/recordings) are not here.");
        var usages = Directory.EnumerateFiles(root!, "*.json", SearchOption.AllDirectories)
            .Where(file => Path.GetDirectoryName(file) != root)
            .SelectMany(file => Bodies(JsonNode.Parse(File.ReadAllText(file))!["response"]!))
            .SelectMany(Usages)
            .ToList();
        foreach (var usage in usages)
        {
            AssertAddsUp(usage);
        }

        Assert.True(usages.Count > 2000);
    }

    [Fact]
    public void Usage_AnyCounts_AddUp()
    {
        var count = Gen.Int[-2, 60];
        Gen.Select(count.Array[14], Gen.Bool.Array[14], Gen.Bool).Sample((numbers, present, isResponses) =>
        {
            var i = 0;
            var usage = new JsonObject();
            Put(usage, isResponses ? "input_tokens" : "prompt_tokens");
            Put(usage, isResponses ? "output_tokens" : "completion_tokens");
            Put(usage, "total_tokens");
            Put(usage, "cache_read_input_tokens");
            Put(usage, "cache_creation_input_tokens");
            Put(usage, "prompt_cache_hit_tokens");
            var input = new JsonObject();
            Put(input, "cached_tokens");
            Put(input, "audio_tokens");
            Put(input, "image_tokens");
            Put(input, "cache_write_tokens");
            var output = new JsonObject();
            Put(output, "reasoning_tokens");
            Put(output, "audio_tokens");
            Put(output, "accepted_prediction_tokens");
            Put(output, "rejected_prediction_tokens");
            usage[isResponses ? "input_tokens_details" : "prompt_tokens_details"] = input;
            usage[isResponses ? "output_tokens_details" : "completion_tokens_details"] = output;
            AssertAddsUp(usage);

            void Put(JsonObject to, string name)
            {
                if (present[i])
                {
                    to[name] = numbers[i];
                }

                i++;
            }
        });
    }

    private static void AssertAddsUp(JsonNode usage)
    {
        var fields = Read(usage.ToJsonString());
        var buckets = fields.UsageBuckets is null ? [] : JsonNode.Parse(fields.UsageBuckets)!.AsObject().ToDictionary(part => part.Key, part => (long)part.Value!);

        Assert.All(buckets.Values, tokens => Assert.True(tokens >= 0, usage.ToJsonString()));
        Assert.True(fields.Usage?.InputTokens == Sum("input_"), usage.ToJsonString());
        Assert.True(fields.Usage?.OutputTokens == Sum("output_"), usage.ToJsonString());

        long? Sum(string prefix) => buckets.Any(b => b.Key.StartsWith(prefix, StringComparison.Ordinal))
            ? buckets.Where(b => b.Key.StartsWith(prefix, StringComparison.Ordinal)).Sum(b => b.Value)
            : null;
    }

    private static IEnumerable<JsonNode> Bodies(JsonNode response) => (string?)response["body_kind"] switch
    {
        "json" when response["body"] is { } body => [body],
        "sse" => ReferenceMerge.Chunks((string)response["body"]!),
        _ => [],
    };

    /// <summary>The usage objects of a body, wherever they are.</summary>
    private static IEnumerable<JsonNode> Usages(JsonNode? node) => node switch
    {
        JsonObject o => o.SelectMany(field => field is { Key: "usage", Value: JsonObject usage } ? [usage] : Usages(field.Value)),
        JsonArray a => a.SelectMany(Usages),
        _ => [],
    };

    private static RecordedFields Read(string usage)
    {
        var fields = new RecordedFields();
        ResponseReader.Read(Encoding.UTF8.GetBytes($$"""{"usage":{{usage}}}"""), fields);
        return fields;
    }
}
