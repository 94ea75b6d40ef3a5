using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MLflow.Server.Access;
using MLflow.Server.Storage;
using MLflow.Server.Tests.Operations;
using MLflow.Server.Tests.Storage;
using MLflow.Server.Traces;
using Xunit;

namespace MLflow.Server.Tests.Gateway;

/// <summary>What is recorded of calls.</summary>
public sealed class GatewayTraceTests
{
    private const string Answer = """{"id":"c1","object":"chat.completion","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"THE-ANSWER"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1000000,"completion_tokens":500000,"total_tokens":1500000}}""";
    private const string Question = """{"model":"chat","messages":[{"role":"user","content":"THE-QUESTION"}]}""";

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    [Fact]
    public async Task Call_IsATraceWithItsFiguresAndNoContentUnlessWanted()
    {
        await using var gateway = await SomeGateway.StartAsync();
        var quiet = await gateway.AddAsync();
        await gateway.AddAsync("open", more: ""","record_content":true""");
        await gateway.AddAsync("none", more: ""","usage_tracking":false""");
        gateway.Upstream.Answer = request => request.SendAsync(SomeUpstream.Ok(Answer));

        var (info, span) = await gateway.TraceAsync((await gateway.SendAsync(SomeGateway.Request(Question))).Response);

        Assert.Equal("""{"input_tokens":1000000,"output_tokens":500000,"total_tokens":1500000}""", span["mlflow.chat.tokenUsage"]!.Replace(" ", "", StringComparison.Ordinal));
        Assert.Contains("\"total_cost\"", span["mlflow.llm.cost"], StringComparison.Ordinal);
        Assert.Equal(("\"gpt-4o-mini\"", "\"chat\"", "\"openai\""), (span["mlflow.llm.model"], span["mlflow.llm.endpoint"], span["mlflow.llm.provider"]));
        Assert.Equal((TraceState.Ok, quiet.GetProperty("experiment_id").GetString()), (info.State, $"{info.ExperimentId}"));
        Assert.Equal((quiet.GetProperty("endpoint_id").GetString(), "chat", "chat/completions"), (info.Metadata["mlflow.gateway.endpointId"], info.Metadata["mlflow.gateway.endpointName"], info.Metadata["mlflow.gateway.requestType"]));
        Assert.DoesNotContain("THE-", JsonSerializer.Serialize(span) + JsonSerializer.Serialize(info), StringComparison.Ordinal);

        var (_, open) = await gateway.TraceAsync((await gateway.SendAsync(SomeGateway.Request(Question.Replace("chat", "open", StringComparison.Ordinal)))).Response);
        Assert.Contains("THE-QUESTION", open["mlflow.spanInputs"], StringComparison.Ordinal);
        Assert.Contains("THE-ANSWER", open["mlflow.spanOutputs"], StringComparison.Ordinal);
        var (status, _, untraced) = await gateway.SendAsync(SomeGateway.Request(Question.Replace("chat", "none", StringComparison.Ordinal)));
        Assert.Equal((200, false), (status, untraced.Headers.Contains("X-MLflow-Trace-Id")));
    }

    [Fact]
    public async Task Call_OfAUser_SaysWhose()
    {
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddAsync();
        await gateway.UserAsync("root", Permission.Manage, TokenScope.Admin, isAdmin: true);
        var ada = await gateway.UserAsync("ada", Permission.Edit, TokenScope.Write);
        using var request = SomeGateway.Request(Question);
        request.Headers.Authorization = ada;

        var (info, _) = await gateway.TraceAsync((await gateway.SendAsync(request)).Response);

        Assert.Equal("ada", info.Metadata["mlflow.auth.username"]);
    }

    [Fact]
    public async Task Call_BelowASpanOfTheClient_IsInItsTraceWhereItMayBe()
    {
        await using var gateway = await SomeGateway.StartAsync();
        var endpoint = await gateway.AddAsync();
        var experiment = endpoint.GetProperty("experiment_id").GetString()!;
        var store = gateway.Services.GetRequiredService<ITraceStore>();
        var parent = SomeTrace.Span(SomeTrace.NewOtelId(), 1);
        await store.WriteAsync(new TraceBatch { Spans = [parent], ExperimentId = 0 }, Token);
        var header = $"00-{parent.OtelTraceId}-{parent.SpanId}-01";

        var (_, _, joined) = await gateway.SendAsync(SomeGateway.Request(Question, headers: [("x-mlflow-traceparent", header), ("x-mlflow-experiment-id", "0")]));
        var (_, _, other) = await gateway.SendAsync(SomeGateway.Request(Question, headers: [("x-mlflow-traceparent", header), ("x-mlflow-experiment-id", experiment)]));
        var (_, _, unasked) = await gateway.SendAsync(SomeGateway.Request(Question, headers: [("traceparent", header)]));

        Assert.Equal(parent.TraceId, SomeGateway.TraceOf(joined));
        using var watch = gateway.Services.GetRequiredService<TraceChanges>().Watch(_ => true);
        IReadOnlyList<SpanRecord> spans;
        while ((spans = await store.GetSpansAsync(parent.TraceId, Token)).Count < 2)
        {
            await watch.WaitAsync(Token);
        }

        Assert.Equal(parent.SpanId, spans.Single(span => span.SpanId != parent.SpanId).ParentSpanId);
        Assert.NotEqual(parent.TraceId, SomeGateway.TraceOf(other));
        Assert.NotEqual(parent.TraceId, SomeGateway.TraceOf(unasked));
    }

    [Fact]
    public async Task Key_IsInNoAnswerLogTraceAndErrorNorInTheDatabase()
    {
        using var log = new KeptLog();
        await using var gateway = await SomeGateway.StartAsync(options =>
        {
            options.LogLevel = "trace";
            options.ConfigureLogging = logging => logging.AddProvider(log);
        });
        await gateway.AddWithFallbackAsync(more: ""","record_content":true""");
        var answers = new StringBuilder();

        // A model that repeats what it was sent, one that fails with it, and one that is not there.
        gateway.Upstream.Answer = request => request.SendAsync(SomeUpstream.Ok($$$"""{"choices":[{"message":{"role":"assistant","content":"I was sent {{{request.Headers["authorization"].Single()}}}"}}]}"""));
        var echoed = await gateway.SendAsync(SomeGateway.Request());
        gateway.Upstream.Answer = request => request.SendAsync(SomeUpstream.With("401 Unauthorized", $$$"""{"error":{"message":"Incorrect API key provided: {{{SomeGateway.Key}}}","code":"invalid_api_key"}}"""));
        gateway.Second.Answer = gateway.Upstream.Answer;
        var refused = await gateway.SendAsync(SomeGateway.Request());
        gateway.Second.Answer = request => Task.Run(request.Reset, Token);
        var broken = await gateway.SendAsync(SomeGateway.Request());
        answers.Append(broken.Body);
        foreach (var path in (string[])["secrets/list", "endpoints/list", "model-definitions/list", "secrets/config"])
        {
            answers.Append((await gateway.Server.SendAsync("GET", "/api/3.0/mlflow/gateway/" + path)).Body);
        }

        foreach (var response in (HttpResponseMessage[])[echoed.Response, refused.Response, broken.Response])
        {
            var (info, span) = await gateway.TraceAsync(response);
            answers.Append(JsonSerializer.Serialize(info)).Append(JsonSerializer.Serialize(span));
            answers.Append(string.Join('\n', response.Headers.Concat(response.Content.Headers).Select(header => $"{header.Key}: {string.Join(',', header.Value)}")));
        }

        await gateway.Server.DisposeServerAsync();
        var secret = SomeGateway.Key[8..];
        Assert.DoesNotContain(secret, answers.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(log.Entries, line => line.Contains(secret, StringComparison.Ordinal));
        Assert.NotEmpty(log.Entries);
        foreach (var file in Directory.GetFiles(gateway.Server.Folder, "*", SearchOption.AllDirectories))
        {
            Assert.DoesNotContain(secret, await File.ReadAllTextAsync(file, Encoding.Latin1, Token), StringComparison.Ordinal);
        }
    }
}
