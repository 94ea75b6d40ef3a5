using System.Text.Json;
using MLflow.Server.Pricing;
using MLflow.Server.Traces;
using Xunit;

namespace MLflow.Server.Tests.Pricing;

/// <summary>Costs by a table whose figures are easy to add, so that a price that changes breaks no test.</summary>
public sealed class CallPricerTests
{
    private const string Table =
        """
        {
          "version": "test",
          "models": [
            {
              "provider": "openai", "model": "^kite-1(-2026-01-01)?$",
              "prices": [
                { "kind": "input", "usd": 2, "to": "2026-06-01" }, { "kind": "input", "usd": 1, "from": "2026-06-01" },
                { "kind": "cached_input", "usd": 0.5 }, { "kind": "output", "usd": 10 }, { "kind": "audio_output", "usd": 40 },
                { "kind": "flex_input", "usd": 0.25 }, { "kind": "flex_output", "usd": 5 },
                { "kind": "long_context_1000_input", "usd": 4 }, { "kind": "long_context_1000_cached_input", "usd": 3 }, { "kind": "long_context_1000_output", "usd": 20 }
              ]
            },
            { "provider": "azure", "model": "kite-1", "prices": [ { "kind": "input", "usd": 3 }, { "kind": "output", "usd": 11 } ] },
            { "provider": "openai", "model": "kite-embed", "prices": [ { "kind": "input", "usd": 0.1 } ] },
            { "provider": "openai", "model": "kite-hear", "prices": [ { "kind": "audio_input", "usd": 0.006, "per": "minute" } ] },
            { "provider": "openai", "model": "kite-say", "prices": [ { "kind": "input", "usd": 15, "per": "million_characters" } ] },
            { "provider": "openai", "model": "kite-draw", "prices": [ { "kind": "image_output[hd,1024x1024]", "usd": 0.08, "per": "image" }, { "kind": "image_output[standard,1024x1024]", "usd": 0.04, "per": "image" } ] }
          ],
          "deployments": { "my-kite": "kite-1" },
          "hosts": { "proxy.test": "openai" }
        }
        """;

    private static readonly CallPricer Pricer = new(PriceTableTests.Read(Table));

    [Theory]
    [InlineData("""{"input_uncached":100,"output_text":10}""", 100 * 1.0, 10 * 10.0)]
    [InlineData("""{"input_uncached":100,"input_cache_read":200,"output_text":10}""", 100 * 1.0 + 200 * 0.5, 100)]
    [InlineData("""{"input_uncached":100,"input_cache_write":200}""", 100 * 1.0 + 200 * 1.0, 0)]
    [InlineData("""{"input_uncached":100,"input_audio":50,"output_text":1,"output_audio":10}""", 150, 10 + 400)]
    [InlineData("""{"input_uncached":100,"output_text":10,"output_reasoning":90}""", 100, 1000)]
    [InlineData("""{"input_uncached":0,"output_text":1}""", 0, 10)]
    public void Price_Parts_EachAtItsPriceAndNoneTwice(string buckets, double input, double output) =>
        Assert.Equal(Micro(input, output), Cost(Call("kite-1", ("mlflow.llm.usage_buckets", buckets))));

    [Theory]
    [InlineData("""{"input_tokens":300,"output_tokens":10,"total_tokens":310,"cache_read_input_tokens":200}""", 200.0, 100.0)]
    [InlineData("""{"input_tokens":100,"cache_read_input_tokens":300}""", 250.0, 0.0)]
    [InlineData("""{"input_tokens":"100"}""", null, null)]
    public void Price_SumsOfOtherClients_HaveTheCachedPartWithinTheInput(string usage, double? input, double? output) =>
        Assert.Equal(input is null ? null : Micro(input.Value, output!.Value), Cost(Call("kite-1", ("mlflow.chat.tokenUsage", usage))));

    [Fact]
    public void Price_Call_ByThePricesOfItsDay()
    {
        var call = Call("kite-1", ("mlflow.chat.tokenUsage", """{"input_tokens":100}"""));

        Assert.Equal(Micro(100, 0), Cost(call));
        Assert.Equal(Micro(200, 0), Cost(call with { StartNs = Ns("2026-05-31T23:59:59Z") }));
        Assert.Equal(Micro(100, 0), Cost(call with { StartNs = Ns("2026-06-01T00:00:00Z") }));
    }

    [Fact]
    public void Price_LongPrompt_ChangesThePriceOfTheWholeRequest()
    {
        Assert.Equal(Micro(1000, 100), Cost(Call("kite-1", ("mlflow.llm.usage_buckets", """{"input_uncached":1000,"output_text":10}"""))));
        Assert.Equal(Micro(2.0 * 4 + 999 * 3, 200), Cost(Call("kite-1", ("mlflow.llm.usage_buckets", """{"input_uncached":2,"input_cache_read":999,"output_text":10}"""))));
    }

    [Theory]
    [InlineData("flex", 25, 50, null)]
    [InlineData("default", 100, 100, null)]
    [InlineData("priority", 100, 100, "the tier has no price of its own")]
    [InlineData("galactic", 100, 100, "the tier is not known")]
    public void Price_Tier_IsThatOfTheAnswer(string tier, double input, double output, string? note)
    {
        var span = Pricer.Price(Call("kite-1", ("mlflow.chat.tokenUsage", """{"input_tokens":100,"output_tokens":10}"""), ("openai.response.service_tier", $"\"{tier}\"")));

        Assert.Equal(Micro(input, output), CallCost.Parse(span["mlflow.llm.cost"]));
        var basis = JsonDocument.Parse(span["mlflow.llm.cost_basis"]!).RootElement;
        Assert.Equal("test", basis.GetProperty("prices").GetString());
        if (note is not null)
        {
            Assert.Equal(note, basis.GetProperty("notes")[0].GetString());
        }
        else if (tier == "flex")
        {
            Assert.Equal("flex", basis.GetProperty("tier").GetString());
        }
    }

    [Theory]
    [InlineData("kite-1", null)]
    [InlineData("openai/kite-1", null)]
    [InlineData("kite-1-2026-01-01", null)]
    [InlineData("kite-1-2026-02-02", "priced as kite-1")]
    [InlineData("my-kite", null)]
    public void Price_NamesOfOneModel_AreFound(string model, string? note)
    {
        var span = Pricer.Price(Call(model, ("mlflow.chat.tokenUsage", """{"input_tokens":100}""")));

        Assert.Equal(Micro(100, 0), CallCost.Parse(span["mlflow.llm.cost"]));
        Assert.Equal(note is not null, span["mlflow.llm.cost_basis"]!.Contains("notes", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("kite-10", null, null, "no price of openai's 'kite-10' is known")]
    [InlineData("kite-1-mini", null, null, "no price of openai's 'kite-1-mini' is known")]
    [InlineData("kite-1", "groq", null, "no price of groq's 'kite-1' is known")]
    [InlineData("kite-1", null, "https://llm.example/v1/chat/completions", "the address does not tell the provider")]
    public void Price_WhatIsNotKnown_IsUnknownAndNeverNothing(string model, string? provider, string? url, string why)
    {
        var call = Call(model, ("mlflow.chat.tokenUsage", """{"input_tokens":100}"""));
        call = call with { Attributes = [.. call.Attributes.Where(a => a.Key != "mlflow.llm.provider" || (provider is null && url is null))] };
        call = With(With(call, "mlflow.llm.provider", provider), "url.full", url);

        var span = Pricer.Price(call);

        Assert.Null(span["mlflow.llm.cost"]);
        Assert.Equal(why, JsonDocument.Parse(span["mlflow.llm.cost_basis"]!).RootElement.GetProperty("unknown").GetString());
    }

    [Theory]
    [InlineData("azure", null, 300)]
    [InlineData("azure.ai.openai", null, 300)]
    [InlineData(null, "https://proxy.test/v1/chat/completions", 100)]
    [InlineData(null, null, 100)]
    public void Price_Provider_ByNameOrHost(string? provider, string? url, double input)
    {
        var call = Call("kite-1", ("mlflow.chat.tokenUsage", """{"input_tokens":100}"""));
        call = call with { Attributes = [.. call.Attributes.Where(a => a.Key != "mlflow.llm.provider")] };

        Assert.Equal(Micro(input, 0), Cost(With(With(call, "mlflow.llm.provider", provider), "url.full", url)));
    }

    [Fact]
    public void Price_ModelThatAnswered_GoesBeforeTheOneAsked() =>
        Assert.Equal(Micro(10, 0), Cost(With(Call("kite-1", ("mlflow.chat.tokenUsage", """{"input_tokens":100}""")), "gen_ai.response.model", "kite-embed")));

    [Theory]
    [InlineData("kite-hear", "openai.usage", """{"type":"duration","seconds":90}""", null, 9000.0, 0.0)]
    [InlineData("kite-say", "mlflow.spanInputs", """{"model":"kite-say","voice":"alloy","input":"hello"}""", null, 75.0, 0.0)]
    [InlineData("kite-draw", "mlflow.spanInputs", """{"prompt":"a kite","quality":"hd"}""", """{"data":[{},{}]}""", 0.0, 160_000.0)]
    [InlineData("kite-draw", "mlflow.spanInputs", """{"prompt":"a kite","size":"9x9"}""", """{"data":[{}]}""", null, null)]
    public void Price_CallsWithoutTokens_ByWhatTheyArePaidFor(string model, string attribute, string json, string? outputs, double? input, double? output)
    {
        var call = Call(model, (attribute, json));
        call = outputs is null ? call : call with { Attributes = [.. call.Attributes, new("mlflow.spanOutputs", outputs)] };

        Assert.Equal(input is null ? null : Micro(input.Value, output!.Value), Cost(call));
    }

    [Fact]
    public void Price_CostThatTheClientTold_IsTakenAsTold()
    {
        var call = Call("kite-1", ("mlflow.chat.tokenUsage", """{"input_tokens":100}"""), ("mlflow.llm.cost", """{"input_cost":1,"output_cost":2,"total_cost":3}"""));

        Assert.Same(call, Pricer.Price(call));
        Assert.Equal(3, CallCost.Parse(call["mlflow.llm.cost"])!.Value.Usd);
    }

    [Fact]
    public void Price_SpanThatIsNoCall_IsLeftAlone()
    {
        var span = Call("kite-1", ("mlflow.spanInputs", """{"prompt":1}"""));

        Assert.Same(span, Pricer.Price(span));
    }

    [Theory]
    [InlineData("1e400")]
    [InlineData("-5")]
    [InlineData("9e30")]
    [InlineData("\"many\"")]
    [InlineData("{}")]
    public void Price_CountsThatCannotBe_DoNoHarm(string count) =>
        Assert.Null(Cost(Call("kite-1", ("mlflow.llm.usage_buckets", $$"""{"input_uncached":{{count}}}"""))));

    [Fact]
    public void ToJson_SmallestAmounts_KeepsEveryDigit()
    {
        var cost = new CallCost(5_000, 1);

        Assert.Equal("""{"input_cost": 0.000000005, "output_cost": 0.000000000001, "total_cost": 0.000000005001}""", cost.ToJson());
        Assert.Equal(cost, CallCost.Parse(cost.ToJson()));
    }

    private static CallCost? Cost(SpanRecord call) => CallCost.Parse(Pricer.Price(call)["mlflow.llm.cost"]);

    /// <summary>From millionths of a dollar.</summary>
    private static CallCost Micro(double input, double output) => new((long)(input * 1_000_000), (long)(output * 1_000_000));

    private static SpanRecord Call(string model, params (string Key, string Json)[] attributes) => new()
    {
        TraceId = "tr-1",
        OtelTraceId = new string('a', 32),
        SpanId = new string('b', 16),
        Name = "call",
        Type = "CHAT_MODEL",
        StartNs = Ns("2026-11-01T00:00:00Z"),
        EndNs = Ns("2026-11-01T00:00:01Z"),
        Attributes =
        [
            new("mlflow.llm.provider", "\"openai\""), new("mlflow.llm.model", JsonSerializer.Serialize(model)),
            .. attributes.Select(attribute => KeyValuePair.Create(attribute.Key, attribute.Json)),
        ],
    };

    private static SpanRecord With(SpanRecord span, string key, string? value) =>
        value is null ? span : span with { Attributes = [.. span.Attributes, new(key, JsonSerializer.Serialize(value))] };

    private static long Ns(string instant) => DateTimeOffset.Parse(instant, System.Globalization.CultureInfo.InvariantCulture).ToUnixTimeMilliseconds() * 1_000_000;
}
