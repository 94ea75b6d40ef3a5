using Microsoft.AspNetCore.Http;
using Xunit;
using Model = MLflow.Sdk.Tests.Capture.LoopbackServer;

namespace MLflow.Tests.Export;

/// <summary>Traces that run for longer are told to a server that shows them.</summary>
public sealed class RunningTraceTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task LongTrace_OurServer_IsToldWhileItRuns()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.TakesFacts = true;
        await using var client = Some.Client(server);
        var first = server.NextAsync("/v1/traces");
        using (var root = client.StartSpan("agent", SpanType.Agent))
        {
            root.SetInputs("q");
            client.StartSpan("done").Dispose();
            using (client.StartSpan("tool", SpanType.Tool))
            {
                var told = (await first).Spans.ToDictionary(span => span.Name);

                Assert.Equal(["agent", "done", "tool"], told.Keys.Order());
                Assert.Equal((0UL, 0UL), (told["agent"].EndTimeUnixNano, told["tool"].EndTimeUnixNano));
                Assert.NotEqual(0UL, told["done"].EndTimeUnixNano);
                Assert.Contains(told["agent"].Attributes, a => a.Key == AttributeNames.Inputs && a.Value.StringValue == "q");
                Assert.Equal(0, told["agent"].Status?.Code ?? 0);
                Assert.Empty((await first).Facts);
            }
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        var last = server.To("/v1/traces").Last();
        Assert.Equal(["agent", "tool"], last.Spans.Select(span => span.Name).Order());
        Assert.All(last.Spans, span => Assert.NotEqual(0UL, span.EndTimeUnixNano));
        var facts = Assert.Single(last.Facts);
        Assert.Contains("\\\"num_spans\\\": 3", facts.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task LongTrace_WithRules_IsToldByThemAndStaysAsTheProgramHasIt()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.TakesFacts = true;
        await using var client = Some.Client(server);
        client.SetPrivacy(privacy => privacy.Redactor = value => $"{value.Text}!");
        var first = server.NextAsync("/v1/traces");
        using (var root = client.StartSpan("agent"))
        {
            root.SetInputs("mail");
            var told = Assert.Single((await first).Spans);

            Assert.Equal("mail!", Inputs(told));
            Assert.Equal("mail", root.Inputs?.GetString());
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        Assert.Equal("mail!", Inputs(Assert.Single(server.To("/v1/traces").Last().Spans)));

        static string Inputs(Otlp.Span span) => span.Attributes.Single(a => a.Key == AttributeNames.Inputs).Value.StringValue;
    }

    [Fact]
    public async Task LongTrace_ServerThatIsAway_LosesNothing()
    {
        var port = FreePort.Next();
        await using var client = Some.Client($"http://127.0.0.1:{port}");
        var root = client.StartSpan("agent");
        client.StartSpan("step").Dispose();
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 0, pending: 1);

        await using var server = await LoopbackServer.StartAsync(port);
        server.TakesFacts = true;
        await server.NextAsync("/v1/traces");
        root.Dispose();

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        Assert.Equal(["agent", "agent", "step"], server.To("/v1/traces").SelectMany(r => r.Spans).Select(span => span.Name).Order());
    }

    [Fact]
    public async Task LongTrace_AnnouncementRefused_IsForgottenAndTheTraceArrives()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.TakesFacts = true;
        server.Intercept = async (context, request) =>
        {
            if (request.Path != "/v1/traces" || request.Spans.All(span => span.EndTimeUnixNano != 0))
            {
                return false;
            }

            await LoopbackServer.AnswerAsync(context, 503, "");
            return true;
        };
        await using var client = Some.Client(server);
        var asked = server.NextAsync("/v1/traces");
        using (client.StartSpan("agent"))
        {
            await asked;
        }

        var deadline = Environment.TickCount64 + 20_000;
        FlushResult result;
        do
        {
            result = await client.FlushAsync(Token);
        }
        while (result.Exported == 0 && Environment.TickCount64 < deadline);
        FlushAssert.Counts(result, exported: 1);
        Assert.Equal(2, server.To("/v1/traces").Count());
    }

    [Fact]
    public async Task LongTrace_MlflowsOwnServer_IsSentOnceAtItsEnd()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Some.Client(server);
        var asked = server.NextAsync("/api/3.0/mlflow/server-info");
        using (client.StartSpan("agent"))
        {
            await asked;
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        Assert.Single(server.To("/v1/traces"));
    }

    [Fact]
    public async Task LongCall_WithoutATraceAround_IsToldWhileItRuns()
    {
        var answers = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var model = await Model.StartAsync(async (context, _) =>
        {
            await answers.Task;
            await context.Response.WriteAsync("""{"id":"c","object":"chat.completion","choices":[]}""", Token);
        });
        await using var server = await LoopbackServer.StartAsync();
        server.TakesFacts = true;
        await using var client = Some.Client(server);
        using var capture = new HttpCapture(client.Tracer, client.Log, new OpenAIAutologOptions());
        capture.Listen();
        var told = server.NextAsync("/v1/traces");

        using var http = new HttpClient();
        using var content = new StringContent("""{"model":"m","messages":[]}""", System.Text.Encoding.UTF8, "application/json");
        var call = http.PostAsync(new Uri(model.Address, "/v1/chat/completions"), content, Token);
        var span = Assert.Single((await told).Spans);
        Assert.Equal(0UL, span.EndTimeUnixNano);
        answers.SetResult();
        (await call).Dispose();

        await capture.DrainAsync(Token);
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        var last = Assert.Single(server.To("/v1/traces").Last().Spans);
        Assert.Equal(span.SpanId, last.SpanId);
        Assert.NotEqual(0UL, last.EndTimeUnixNano);
    }
}
