using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using MLflow.Server.Otlp;
using MLflow.Server.Otlp.Protos;
using MLflow.Server.Pricing;
using MLflow.Server.Storage;
using MLflow.Server.Tests.Rest;
using MLflow.Server.Traces;
using MLflow.Server.Ui.Chat;
using MLflow.Server.Ui.Spans;
using Xunit;

namespace MLflow.Server.Tests.Golden;

/// <summary>What instrumentations of other makers really sent, compared with the exchanges with the model that they watched.</summary>
public sealed class OtlpGoldenTests : IClassFixture<SomeServer>
{
    private const string None = "none";

    /// <summary>What each library tells of a call to a model that succeeded and was not streamed. A library that is not here is a failure.</summary>
    private static readonly Dictionary<string, Telling> Libraries = new()
    {
        ["dotnet-microsoft.agents.ai-1.28.0"] = new("Agent Framework", Cached: true, Reasoning: true),
        ["dotnet-microsoft.agents.ai-1.28.0-nocontent"] = new("Agent Framework", Content: false, Cached: true, Reasoning: true),
        ["dotnet-microsoft.extensions.ai-10.11.0"] = new("Microsoft.Extensions.AI", Cached: true, Reasoning: true),
        ["dotnet-microsoft.extensions.ai-10.11.0-grpc"] = new("Microsoft.Extensions.AI", Cached: true, Reasoning: true),
        ["dotnet-microsoft.extensions.ai-10.11.0-nocontent"] = new("Microsoft.Extensions.AI", Content: false, Cached: true, Reasoning: true),
        ["dotnet-microsoft.extensions.ai-10.11.0-openai-2.14.0"] = new("Microsoft.Extensions.AI", Cached: true, Reasoning: true),
        ["dotnet-openai-2.15.0"] = new("OpenAI .NET", Content: false, Tools: false),
        ["dotnet-openai-2.15.0-latest_experimental"] = new("OpenAI .NET", Content: false, Tools: false, Cached: true, Reasoning: true),
        ["dotnet-semantickernel-1.82.0"] = new("Semantic Kernel", Tools: false),
        ["dotnet-semantickernel-1.82.0-grpc"] = new("Semantic Kernel", Tools: false),
        ["dotnet-semantickernel-1.82.0-nocontent"] = new("Semantic Kernel", Content: false, Tools: false),
        ["js-langchain-core-1.4.0-langsmith-otel-0.12.0"] = new("LangSmith", Usage: false),
        ["js-langfuse-openai-5.11.1"] = new("Langfuse", Cached: true, Reasoning: true),
        ["js-langfuse-tracing-5.11.1"] = new("Langfuse"),
        ["js-langsmith-wrapopenai-0.12.0"] = new("LangSmith", Cached: true, Reasoning: true),
        ["js-openinference-openai-4.2.7"] = new("OpenInference", Cached: true, Reasoning: true),
        ["js-openinference-openai-4.2.7-hidden"] = new("OpenInference", Content: false, Tools: false, Cached: true, Reasoning: true),
        ["js-openinference-openai-4.2.7-otlpjson"] = new("OpenInference", Cached: true, Reasoning: true),
        ["js-opentelemetry-instrumentation-openai-0.21.0"] = new("OpenTelemetry gen_ai", Tools: false),
        ["js-opentelemetry-instrumentation-openai-0.21.0-nocontent"] = new("OpenTelemetry gen_ai", Content: false, Tools: false),
        ["js-traceloop-instrumentation-openai-0.22.5"] = new("Traceloop"),
        ["js-traceloop-instrumentation-openai-0.27.0"] = new("OpenTelemetry gen_ai"),
        ["js-traceloop-node-server-sdk-0.27.0"] = new("OpenTelemetry gen_ai"),
        ["js-vercel-ai-5.0.277"] = new("Vercel AI SDK"),
        ["js-vercel-ai-6.0.326"] = new("Vercel AI SDK", Cached: true, Reasoning: true),
        ["js-vercel-ai-6.0.326-nocontent"] = new("Vercel AI SDK", Content: false, Tools: false, Cached: true, Reasoning: true),
        ["js-vercel-ai-7.0.173"] = new("OpenTelemetry gen_ai", Cached: true),
        ["js-vercel-ai-7.0.173-all_options"] = new("OpenTelemetry gen_ai", Cached: true),
        ["js-vercel-ai-7.0.173-legacy"] = new("Vercel AI SDK", Cached: true, Reasoning: true),
        ["python-openinference-openai-0.1.54"] = new("OpenInference", Cached: true, Reasoning: true),
        ["python-openinference-openai-0.1.54-hidden"] = new("OpenInference", Content: false, Tools: false, Cached: true, Reasoning: true),
        ["python-opentelemetry-instrumentation-openai-v2-2.5b0.dev"] = new("OpenTelemetry gen_ai", Tools: false),
        ["python-opentelemetry-instrumentation-openai-v2-2.5b0.dev-latest_experimental"] = new("OpenTelemetry gen_ai", Cached: false),
        ["python-opentelemetry-instrumentation-openai-v2-2.5b0.dev-nocontent"] = new("OpenTelemetry gen_ai", Content: false, Tools: false),
        ["python-traceloop-instrumentation-openai-0.62.1"] = new("OpenTelemetry gen_ai", Cached: true, Reasoning: true),
        ["python-traceloop-instrumentation-openai-0.62.1-events"] = new("OpenTelemetry gen_ai", Tools: false, Cached: true, Reasoning: true),
        ["wire-deflate-python-openinference-openai-0.1.54"] = new("OpenInference", Cached: true, Reasoning: true),
        ["wire-gzip-js-openinference-openai-4.2.7"] = new("OpenInference", Cached: true, Reasoning: true),
    };

    /// <summary>What libraries leave out, or say otherwise than the exchange. Each must be met, or it is stale.</summary>
    private static readonly (string At, string What, string Reason)[] Known =
    [
        ("dotnet-microsoft.agents.ai-1.28.0", "both_instrumented call 1: mapped by {\"version\":1,\"conventions\":[\"Microsoft.Extensions.AI\"]}", "the client below the agent is instrumented, too"),
        ("dotnet-microsoft.agents.ai-1.28.0", "both_instrumented call 2: mapped by {\"version\":1,\"conventions\":[\"Microsoft.Extensions.AI\"]}", "the client below the agent is instrumented, too"),
        ("dotnet-semantickernel-1.82.0", "chat_tools_roundtrip call 1: calls get_weather", "the plugin's name, which the model knows as w-get_weather, is left out"),
        ("js-langfuse-openai-5.11.1/responses", "inputs \"Tell a story.\"", "instructions are not told"),
        ("js-opentelemetry-instrumentation-openai-0.21.0-nocontent/responses", "has content", "instructions are told although content is off"),
        ("js-traceloop-instrumentation-openai-0.27.0/responses", "inputs {\"messages\":[{\"role\":\"user\"", "instructions are not told"),
        ("js-traceloop-instrumentation-openai-0.27.0/responses_tools", "calls ", "calls of tools are not told"),
        ("js-traceloop-instrumentation-openai-0.27.0/responses_tools", "tools ", "tools are not told"),
        ("js-vercel-ai-6.0.326/generateObject", "tokens  instead of", "parts are not told for objects"),
        ("js-vercel-ai-6.0.326-nocontent/generateObject", "tokens  instead of", "parts are not told for objects"),
        ("python-openinference-openai-0.1.54-hidden/chat_error", "model  instead of", "the model of a failed call is hidden with its inputs"),
        ("python-opentelemetry-instrumentation-openai-v2-2.5b0.dev-latest_experimental/chat_image", "inputs ", "messages with images are empty"),
        ("python-opentelemetry-instrumentation-openai-v2-2.5b0.dev-latest_experimental/responses_tools", "tools ", "tools of responses are not told"),
    ];

    private readonly SomeServer _server;

    public OtlpGoldenTests(SomeServer server) => _server = server;

    [Fact]
    public async Task Recordings_OfOtherMakers_SumOfTheCallsIsTheTraceThePageAndTheSession()
    {
        // A trace stays in the experiment that it came to first, and other tests send these, too.
        await using var server = new SomeServer();
        await server.InitializeAsync();
        var experiment = (await server.PostAsync("/api/2.0/mlflow/experiments/create", new { name = "sums" })).Body.GetProperty("experiment_id").GetString()!;
        var ids = new HashSet<string>();
        foreach (var recording in Recordings())
        {
            foreach (var post in recording.Posts)
            {
                using var content = new ByteArrayContent(post.Body);
                content.Headers.ContentType = new(post.ContentType);
                using var request = new HttpRequestMessage(HttpMethod.Post, post.Path) { Content = content };
                request.Headers.Add("x-mlflow-experiment-id", experiment);
                using var answer = await server.Client.SendAsync(request, Xunit.TestContext.Current.CancellationToken);
                if (post.Path == "/v1/traces")
                {
                    var sent = post.ContentType == "application/x-protobuf" ? OtlpProtobuf.Parse(post.Body, new ExportTraceServiceRequest(), new MlflowServerLimits()) : OtlpJson.Parse(post.Body, new ExportTraceServiceRequest());
                    ids.UnionWith(OtlpDecoder.Decode(sent, new MlflowServerLimits()).Spans.Select(span => span.TraceId));
                }
            }
        }

        var store = server.Server.Services.GetRequiredService<ITraceStore>();
        var (infos, wrapped) = (await store.GetInfosAsync([.. ids], Xunit.TestContext.Current.CancellationToken), 0);
        foreach (var info in infos)
        {
            var spans = await server.SpansAsync(info.TraceId);
            var calls = spans.Where(IsCall).ToList();
            var leaves = calls.Where(call => !calls.Exists(other => IsBelow(other, call))).ToList();
            wrapped += calls.Count - leaves.Count;
            var tokens = leaves.ConvertAll(leaf => TokenCounts.Parse(leaf["mlflow.chat.tokenUsage"]));
            var costs = leaves.ConvertAll(leaf => CallCost.Parse(leaf["mlflow.llm.cost"])).OfType<CallCost>().ToList();
            var tree = SpanTree.Build(spans);

            Assert.Equal((tokens.Sum(t => t.Input ?? 0), tokens.Sum(t => t.Output ?? 0)), (info.Facts.InputTokens ?? 0, info.Facts.OutputTokens ?? 0));
            Assert.Equal((tokens.Sum(t => t.Input ?? 0), tokens.Sum(t => t.Output ?? 0)), (tree.InputTokens, tree.OutputTokens));
            Assert.Equal(costs.Count == 0 ? null : costs.Aggregate(default(CallCost), (sum, cost) => sum + cost), info.Facts.Cost);
            Assert.Equal(info.Facts.Cost, tree.Cost);
            Assert.Equal(leaves.Count - costs.Count, info.Facts.UnpricedCalls);

            bool IsBelow(SpanRecord span, SpanRecord above)
            {
                for (var at = spans.FirstOrDefault(parent => parent.SpanId == span.ParentSpanId); at is not null; at = spans.FirstOrDefault(parent => parent.SpanId == at.ParentSpanId))
                {
                    if (at == above)
                    {
                        return true;
                    }
                }

                return false;
            }
        }

        Assert.True(wrapped > 20, $"only {wrapped} wrappers tell what their calls used");
        var sessions = infos.Where(info => info.Metadata.ContainsKey("mlflow.trace.session") && info.ExperimentId.ToString(System.Globalization.CultureInfo.InvariantCulture) == experiment).ToLookup(info => info.Metadata["mlflow.trace.session"]);
        Assert.NotEmpty(sessions);
        foreach (var session in sessions.Where(session => session.Any(info => info.Facts.TotalTokens is not null)))
        {
            var sum = await server.PostAsync("/api/3.0/mlflow/traces/metrics", new
            {
                experiment_ids = new[] { experiment },
                view_type = "TRACES",
                metric_name = "total_tokens",
                aggregations = new[] { new { aggregation_type = "SUM" } },
                filters = new[] { $"trace.metadata.`mlflow.trace.session` = \"{session.Key}\"" },
            });
            Assert.Equal(session.Sum(info => info.Facts.TotalTokens ?? 0), sum.Body.GetProperty("data_points")[0].GetProperty("values").GetProperty("SUM").GetDouble());
        }

        static bool IsCall(SpanRecord span) => TokenCounts.Parse(span["mlflow.chat.tokenUsage"]).Any || CallCost.Parse(span["mlflow.llm.cost"]) is not null;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Recordings_OfOtherMakers_TellWhatTheModelWasAskedAndAnswered(bool logsFirst)
    {
        var differences = new List<string>();
        var calls = 0;
        foreach (var recording in Recordings())
        {
            Assert.True(Libraries.TryGetValue(recording.Library, out var telling), $"{recording.Library} is not in the table of this test.");
            var spans = await SendAsync(recording, logsFirst);
            foreach (var span in spans)
            {
                CheckSpan(span, $"{recording.Library}/{recording.Case}: {span.Name}", differences);
            }

            calls += CheckCalls(recording, spans, telling, differences);
        }

        var unknown = differences.Where(difference => !Known.Any(known => Is(known, difference))).ToList();
        Assert.True(unknown.Count == 0, string.Join("\n", unknown));
        Assert.All(Known, known => Assert.Contains(differences, difference => Is(known, difference)));
        Assert.True(calls > 300, $"Only {calls} calls were compared.");
    }

    [Fact]
    public async Task Sessions_OfOtherMakers_AreThoseOfTheirTraces()
    {
        var found = new HashSet<string>();
        foreach (var recording in Recordings())
        {
            var spans = await SendAsync(recording, logsFirst: false);
            if (spans.Count == 0)
            {
                continue;
            }

            var (_, answer) = await _server.PostAsync("/api/3.0/mlflow/traces/batchGetInfos", new { trace_ids = spans.Select(span => span.TraceId).Distinct() });
            foreach (var metadata in answer.GetProperty("trace_infos").EnumerateArray().Select(info => info.TryGetProperty("trace_metadata", out var m) ? m : default))
            {
                if (metadata.ValueKind == JsonValueKind.Object && metadata.TryGetProperty("mlflow.trace.session", out var session))
                {
                    Assert.Equal(recording.Case.Contains("conversation", StringComparison.Ordinal) ? "conv-1" : "sess-42", session.GetString());
                    found.Add(recording.Library);
                    Assert.Equal("user-7", metadata.TryGetProperty("mlflow.trace.user", out var user) ? user.GetString() : "user-7");
                }
            }
        }

        Assert.Superset(
            new HashSet<string> { "js-langfuse-openai-5.11.1", "js-traceloop-node-server-sdk-0.27.0", "js-vercel-ai-6.0.326", "js-vercel-ai-7.0.173-all_options", "python-openinference-openai-0.1.54", "dotnet-microsoft.extensions.ai-10.11.0" },
            found);
    }

    private static bool Is((string At, string What, string Reason) known, string difference) =>
        difference.StartsWith(known.At, StringComparison.Ordinal) && difference.Contains(known.What, StringComparison.Ordinal);

    private static IReadOnlyList<OtlpRecording> Recordings()
    {
        if (SharedFolder.Find("golden-otlp") is { } folder)
        {
            return OtlpRecording.ReadAll(folder);
        }

        Assert.Skip("The recordings of other makers' instrumentations (folder 'shared/golden-otlp') are not here.");
        return [];
    }

    private async Task<List<SpanRecord>> SendAsync(OtlpRecording recording, bool logsFirst)
    {
        var traces = new HashSet<string>();
        foreach (var post in recording.Posts.OrderBy(post => post.Path == "/v1/logs" != logsFirst))
        {
            Assert.Equal(200, await _server.PostBytesAsync(post.Path, post.Body, post.ContentType));
            if (post.Path == "/v1/traces")
            {
                var request = post.ContentType == "application/json" ? OtlpJson.Parse(post.Body, new ExportTraceServiceRequest()) : ExportTraceServiceRequest.Parser.ParseFrom(post.Body);
                traces.UnionWith(OtlpDecoder.Decode(request, new MlflowServerLimits()).Spans.Select(span => span.TraceId));
            }
        }

        var spans = new List<SpanRecord>();
        foreach (var trace in traces)
        {
            spans.AddRange(await _server.SpansAsync(trace));
        }

        if (logsFirst)
        {
            await _server.PostAsync("/api/3.0/mlflow/traces/delete-traces", new { experiment_id = "0", request_ids = traces });
        }

        return spans;
    }

    /// <summary>What holds for every span: nothing of what was sent is lost, and what was mapped can be read.</summary>
    private static void CheckSpan(SpanRecord span, string at, List<string> differences)
    {
        foreach (var (key, value) in (span.Sent ?? span).Attributes)
        {
            if (span[key] != value)
            {
                differences.Add($"{at}: {key} was sent and is changed");
            }
        }

        foreach (var (key, value) in span.Mapped)
        {
            if (!StoredJson.IsJson(value))
            {
                differences.Add($"{at}: {key} is not JSON");
            }
        }

        if (span["gen_ai.operation.name"] is not null && span.Type == "UNKNOWN")
        {
            differences.Add($"{at}: no type");
        }

        if (span["mlflow.llm.usage_buckets"] is { } buckets)
        {
            var parts = JsonElement.Parse(buckets).EnumerateObject().ToList();
            var usage = JsonElement.Parse(span["mlflow.chat.tokenUsage"]!);
            foreach (var side in new[] { "input", "output" })
            {
                var sum = parts.Where(part => part.Name.StartsWith(side, StringComparison.Ordinal)).Sum(part => part.Value.GetInt64());
                if (sum != (usage.TryGetProperty(side + "_tokens", out var whole) ? whole.GetInt64() : 0))
                {
                    differences.Add($"{at}: the parts of {side} are {sum} and not the whole");
                }
            }
        }
    }

    private static int CheckCalls(OtlpRecording recording, List<SpanRecord> spans, Telling telling, List<string> differences)
    {
        // The spans for one call to the model each: no wrappers around them.
        var calls = spans.Where(span => span.Type is "CHAT_MODEL" or "LLM" && !spans.Exists(child => child.ParentSpanId == span.SpanId && child.Type is "CHAT_MODEL" or "LLM"))
            .OrderBy(span => span.StartNs).ToList();
        var exchanges = recording.Exchanges.Where(exchange => exchange.GetProperty("request").GetProperty("path").GetString() is var path
            && (path!.EndsWith("/chat/completions", StringComparison.Ordinal) || path.EndsWith("/responses", StringComparison.Ordinal))).ToList();
        if (calls.Count != exchanges.Count)
        {
            return 0;
        }

        for (var i = 0; i < calls.Count; i++)
        {
            CheckCall(calls[i], exchanges[i], telling, $"{recording.Library}/{recording.Case} call {i + 1}", differences);
        }

        return calls.Count;
    }

    private static void CheckCall(SpanRecord span, JsonElement exchange, Telling telling, string at, List<string> differences)
    {
        var request = exchange.GetProperty("request").GetProperty("body");
        var response = exchange.GetProperty("response").TryGetProperty("body", out var b) && b.ValueKind == JsonValueKind.Object ? b : default;
        var stamp = span["mlflow.convention"] ?? None;
        if (!stamp.Contains($"\"{telling.Convention}\"", StringComparison.Ordinal))
        {
            differences.Add($"{at}: mapped by {stamp}");
        }

        // The model of a stream that broke is told by its first parts.
        if (response.ValueKind == JsonValueKind.Object && request.TryGetProperty("model", out var asked) && StoredJson.String(span["mlflow.llm.model"]) is var model && model is null | !(model ?? "").StartsWith(asked.GetString()!, StringComparison.Ordinal))
        {
            differences.Add($"{at}: model {model} instead of {asked}");
        }

        if (telling.Content)
        {
            CheckMessages(span, request, response, at, differences);
        }
        else if (MessageReader.Inputs(Json(span["mlflow.spanInputs"])) is { } silent && silent.Any(message => message.Text is { Length: > 0 } and not "__REDACTED__"))
        {
            differences.Add($"{at}: has content");
        }

        if (telling.Tools && request.TryGetProperty("tools", out var tools))
        {
            var expected = tools.EnumerateArray().Select(tool => (tool.TryGetProperty("function", out var f) ? f : tool).GetProperty("name").GetString());
            var actual = span["mlflow.chat.tools"] is { } defined ? JsonElement.Parse(defined).EnumerateArray().Select(tool => tool.GetProperty("function").GetProperty("name").GetString()) : [];
            if (!expected.SequenceEqual(actual))
            {
                differences.Add($"{at}: tools {span["mlflow.chat.tools"]}");
            }
        }

        if (telling.Usage && response.ValueKind == JsonValueKind.Object && response.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object)
        {
            var isChat = usage.TryGetProperty("prompt_tokens", out _);
            var counted = Json(span["mlflow.chat.tokenUsage"]);
            Count("input_tokens", Number(usage, isChat ? "prompt_tokens" : "input_tokens"));
            Count("output_tokens", Number(usage, isChat ? "completion_tokens" : "output_tokens"));
            Count("total_tokens", Number(usage, "total_tokens"));
            if (telling.Cached)
            {
                Count("cache_read_input_tokens", Number(Member(usage, isChat ? "prompt_tokens_details" : "input_tokens_details"), "cached_tokens"));
            }

            if (telling.Reasoning)
            {
                Count("reasoning_tokens", Number(Member(usage, isChat ? "completion_tokens_details" : "output_tokens_details"), "reasoning_tokens"));
            }

            void Count(string name, long? expected)
            {
                if (Number(counted, name) != expected)
                {
                    differences.Add($"{at}: {name} {Number(counted, name)} instead of {expected}");
                }
            }
        }
    }

    private static void CheckMessages(SpanRecord span, JsonElement request, JsonElement response, string at, List<string> differences)
    {
        var expected = MessageReader.Inputs(request) ?? [];
        var actual = MessageReader.Inputs(Json(span["mlflow.spanInputs"])) ?? [];
        if (!expected.Where(m => m.Role is "user" or "system").Select(m => m.Text).All(text => actual.Any(m => m.Text == text)))
        {
            differences.Add($"{at}: inputs {span["mlflow.spanInputs"]}");
        }

        if (MessageReader.Outputs(response) is not { } answers || span.Status == SpanStatus.Error)
        {
            return;
        }

        var said = MessageReader.Outputs(Json(span["mlflow.spanOutputs"])) ?? [];
        var texts = string.Join("\n\n", said.Select(m => m.Text));
        if (!answers.Select(m => m.Text).All(text => texts.Contains(text, StringComparison.Ordinal)))
        {
            differences.Add($"{at}: outputs {span["mlflow.spanOutputs"]}");
        }

        var calls = said.SelectMany(m => m.Calls).Select(call => $"{call.Name}({Compact(call.Arguments)})");
        if (!answers.SelectMany(m => m.Calls).Select(call => $"{call.Name}({Compact(call.Arguments)})").SequenceEqual(calls))
        {
            differences.Add($"{at}: calls {string.Join(' ', calls)}");
        }
    }

    private static string Compact(string json) => JsonElement.Parse(json) is var value ? JsonSerializer.Serialize(value) : json;

    private static JsonElement Json(string? json) => json is null ? default : JsonElement.Parse(json);

    private static JsonElement Member(JsonElement value, string name) => value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out var member) ? member : default;

    private static long? Number(JsonElement value, string name) => Member(value, name) is { ValueKind: JsonValueKind.Number } number ? number.GetInt64() : null;

    /// <summary>What a library tells.</summary>
    private sealed record Telling(string Convention, bool Content = true, bool Usage = true, bool Tools = true, bool Cached = false, bool Reasoning = false);
}
