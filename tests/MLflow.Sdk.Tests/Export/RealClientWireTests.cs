using System.Text.Json;
using MLflow.EndToEnd.Tests.Recordings;
using MLflow.Tests.Otlp;
using Xunit;

namespace MLflow.Tests.Export;

/// <summary>Our requests beside those that MLflow's own client sent for the same call.</summary>
public sealed class RealClientWireTests
{
    /// <summary>By <c>update_current_trace</c>, which has no counterpart here yet.</summary>
    private static readonly string[] SetByTheProgram = ["mlflow.trace.user", "mlflow.trace.session"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Cases => ["chat_plain", "chat_tools", "chat_error_400", "nested_agent"];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task StartTraceV3_SameTrace_HasTheKeysAndFactsOfTheRealClient(string name)
    {
        var (theirs, spans) = Load(name);
        var ours = await ReplayAsync(spans);

        AssertKeys(theirs, ours.Info, "trace_info");
        foreach (var key in (string[])["trace_location", "tags"])
        {
            AssertKeys(theirs.GetProperty(key), ours.Info.GetProperty(key), key);
        }

        AssertKeys(theirs.GetProperty("trace_metadata"), ours.Info.GetProperty("trace_metadata"), "trace_metadata");
        foreach (var key in (string[])["state", "request_time", "execution_duration", "request_preview"])
        {
            // A preview of raw JSON differs by the spaces that Python writes.
            if (theirs.GetProperty(key).GetString() is { } expected && !expected.StartsWith('{'))
            {
                Assert.Equal((key, expected), (key, ours.Info.GetProperty(key).GetString()));
            }
        }

        Assert.Equal(theirs.GetProperty("tags").GetProperty("mlflow.traceName").GetString(), ours.Info.GetProperty("tags").GetProperty("mlflow.traceName").GetString());
        if (theirs.GetProperty("trace_metadata").TryGetProperty("mlflow.trace.tokenUsage", out var usage))
        {
            var ourUsage = JsonDocument.Parse(ours.Info.GetProperty("trace_metadata").GetProperty("mlflow.trace.tokenUsage").GetString()!).RootElement;
            Assert.True(JsonElement.DeepEquals(JsonDocument.Parse(usage.GetString()!).RootElement, ourUsage));
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Otlp_SameTrace_HasTheAttributesOfTheRealClient(string name)
    {
        var (_, spans) = Load(name);
        var ours = await ReplayAsync(spans);

        Assert.Equal(spans.Select(s => s.Name).Order(), ours.Spans.Select(s => s.Name).Order());
        foreach (var theirs in spans)
        {
            Assert.Contains(ours.Spans, s =>
                s.Name == theirs.Name && s.Kind == theirs.Kind && s.Status.Code == theirs.Status.Code && s.Status.Message == theirs.Status.Message
                && s.ParentSpanId.Length == theirs.ParentSpanId.Length
                && s.Attributes.Select(a => a.Key).Order().SequenceEqual(theirs.Attributes.Select(a => a.Key).Order())
                && s.Events.Select(e => e.Name).SequenceEqual(theirs.Events.Select(e => e.Name)));
        }
    }

    private static void AssertKeys(JsonElement theirs, JsonElement ours, string where)
    {
        // MLflow 3.6 sends an empty preview where there is none; from 3.8 on the field is left out, as here. Tags of the program's own are not compared.
        var missing = theirs.EnumerateObject()
            .Where(p => where == "trace_info" || p.Name.StartsWith("mlflow.", StringComparison.Ordinal))
            .Where(p => p.Value.ToString() is not "" || p.Name is not ("request_preview" or "response_preview" or "mlflow.traceInputs" or "mlflow.traceOutputs"))
            .Select(p => p.Name).Except(SetByTheProgram).Except(ours.EnumerateObject().Select(p => p.Name)).ToList();
        Assert.True(missing.Count == 0, $"{where} lacks {string.Join(", ", missing)}");
    }

    private static (JsonElement Info, List<Span> Spans) Load(string name)
    {
        var path = SharedFolder.Find($"golden/wire-openai-{name}.json");
        Assert.SkipWhen(path is null, "The folder with recorded traffic is not there; MLFLOW_TEST_SHARED names it.");
        var exchanges = JsonDocument.Parse(File.ReadAllBytes(path!)).RootElement.EnumerateArray().Select(e => e.GetProperty("request")).ToList();
        var spans = exchanges.Where(r => r.GetProperty("path").GetString() == "/v1/traces")
            .SelectMany(r => ExportTraceServiceRequest.Parser.ParseFrom(r.GetProperty("body").GetProperty("base64").GetBytesFromBase64()).ResourceSpans)
            .SelectMany(r => r.ScopeSpans).SelectMany(s => s.Spans).ToList();
        var info = exchanges.Single(r => r.GetProperty("path").GetString() == "/api/3.0/mlflow/traces").GetProperty("body").GetProperty("json").GetProperty("trace").GetProperty("trace_info");
        return (info, spans);
    }

    /// <summary>Makes the same spans with our tracer, at the same times, and sends them.</summary>
    private static async Task<(JsonElement Info, List<Span> Spans)> ReplayAsync(List<Span> theirs)
    {
        await using var server = await LoopbackServer.StartAsync();
        var root = theirs.Single(s => s.ParentSpanId.Length == 0);
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(DateTimeOffset.UnixEpoch.AddTicks((long)root.StartTimeUnixNano / 100));
        await using var client = Some.Client(server.Address, time: time);
        var start = time.GetTimestamp();
        var copies = new List<(LiveSpan Span, Span Original)>();
        Copy(root, null);
        foreach (var (span, original) in copies.AsEnumerable().Reverse())
        {
            span.EndAt(span.StartNs + (long)(original.EndTimeUnixNano - original.StartTimeUnixNano));
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        return (server.To("/api/3.0/mlflow/traces").Single().Json.GetProperty("trace").GetProperty("trace_info"), [.. server.To("/v1/traces").SelectMany(r => r.Spans)]);

        void Copy(Span original, LiveSpan? parent)
        {
            var type = original.Attributes.Single(a => a.Key == "mlflow.spanType").Value.StringValue;
            var copy = client.Tracer.StartDetached(original.Name, type, parent, start);
            copies.Add((copy, original));
            Fill(copy, original);
            foreach (var child in theirs.Where(s => s.ParentSpanId == original.SpanId))
            {
                Copy(child, copy);
            }
        }
    }

    private static void Fill(LiveSpan copy, Span original)
    {
        foreach (var attribute in original.Attributes)
        {
            var value = Plain(attribute.Value);
            if (attribute.Key == AttributeNames.TokenUsage && value is Dictionary<string, object?> usage)
            {
                copy.SetUsage(new TokenUsage
                {
                    InputTokens = (long?)usage.GetValueOrDefault("input_tokens"),
                    OutputTokens = (long?)usage.GetValueOrDefault("output_tokens"),
                    TotalTokens = (long?)usage.GetValueOrDefault("total_tokens"),
                });
            }
            else
            {
                copy.SetAttribute(attribute.Key, value);
            }
        }

        foreach (var recorded in original.Events)
        {
            copy.AddEvent(recorded.Name, recorded.Attributes.Select(a => KeyValuePair.Create(a.Key, Plain(a.Value))));
        }

        copy.SetStatus((SpanStatusCode)original.Status.Code, original.Status.Message);
    }

    private static object? Plain(AnyValue? value) => value?.ValueCase switch
    {
        AnyValue.ValueOneofCase.StringValue => value.StringValue,
        AnyValue.ValueOneofCase.BoolValue => value.BoolValue,
        AnyValue.ValueOneofCase.IntValue => value.IntValue,
        AnyValue.ValueOneofCase.DoubleValue => value.DoubleValue,
        AnyValue.ValueOneofCase.ArrayValue => value.ArrayValue.Values.Select(Plain).ToList(),
        AnyValue.ValueOneofCase.KvlistValue => value.KvlistValue.Values.ToDictionary(p => p.Key, p => Plain(p.Value)),
        _ => null,
    };
}
