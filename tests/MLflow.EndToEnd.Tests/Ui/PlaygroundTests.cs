using System.Text.Json;
using Microsoft.Playwright;
using MLflow.Server;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace MLflow.EndToEnd.Tests.Ui;

/// <summary>A recorded call that is done again, with a real model behind the gateway.</summary>
[Collection(UiTests.Name)]
public sealed class PlaygroundTests(UiFixture ui)
{
    private const string Recorded = "The capital of France is Paris.";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RecordedCall_SentAgainWithEdits_IsStreamedSavedLinkedAndCompared()
    {
        await using var scene = await GatewayScene.StartAsync();
        await scene.AddAsync(more: ""","record_content":true,"aliases":["gpt-4o"]""");
        var trace = RecordedTrace();
        await scene.SendAsync(trace);
        var goOn = new TaskCompletionSource();
        scene.Upstream.Answer = async request =>
        {
            await request.SendAsync(GatewayScene.Stream + GatewayScene.Chunk("The capital of "));
            await goOn.Task.WaitAsync(request.Stop);
            await request.SendAsync(GatewayScene.Chunk("Japan is 東京.", "stop") + """data: {"choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":500,"total_tokens":1500}}""" + "\n\ndata: [DONE]\n\n");
        };
        await using var opened = await ui.OpenAsync(scene.BaseAddress, $"traces/{trace.Id}");
        await opened.HasCircuitAsync();
        var page = opened.Page;

        await page.GetByRole(AriaRole.Link, new() { Name = "Try again" }).ClickAsync();
        await Expect(page.GetByLabel("Endpoint")).ToHaveValueAsync("chat");
        await Expect(page.GetByLabel("Text of message 1")).ToHaveValueAsync("You know capitals.");
        await Expect(page.GetByLabel("temperature")).ToHaveValueAsync("0.20");
        await Expect(page.GetByLabel("Other parameters")).ToHaveValueAsync(new System.Text.RegularExpressions.Regex("x_unknown"));
        await Expect(page.Locator(".pg-diff")).ToHaveTextAsync(Recorded);
        await page.GetByLabel("Text of message 2").FillAsync("What is the capital of Japan? 日本の首都は？");
        await page.GetByRole(AriaRole.Button, new() { Name = "Send" }).ClickAsync();

        // What has come is there while the rest is not.
        await Expect(page.Locator(".pg-out")).ToHaveTextAsync("The capital of");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Stop" })).ToBeVisibleAsync();
        goOn.SetResult();
        await Expect(page.Locator(".pg-out")).ToHaveTextAsync("The capital of Japan is 東京.");
        await Expect(page.Locator(".pg-facts")).ToContainTextAsync("1,000 in");
        await Expect(page.Locator(".pg-facts")).ToContainTextAsync("$0.00045");
        await Expect(page.Locator(".pg-diff del")).ToContainTextAsync(["France", "Paris"]);
        await Expect(page.Locator(".pg-diff ins")).ToContainTextAsync(["Japan", "東京"]);

        // Unknown parts are what they were, known ones are what they were changed to, and the model has its own name.
        using var body = JsonDocument.Parse(Assert.Single(scene.Upstream.Requests).Body);
        using var expected = JsonDocument.Parse("""
            {"model":"gpt-4o-mini","messages":[{"role":"system","content":"You know capitals.","x_part":[1,null]},{"role":"user","content":"What is the capital of Japan? 日本の首都は？"}],
             "temperature":0.20,"x_unknown":{"deep":[1e2,"<b>"]},"stream":true,"stream_options":{"include_usage":true}}
            """);
        Assert.True(JsonElement.DeepEquals(expected.RootElement, body.RootElement), body.RootElement.GetRawText());
        Assert.Contains("0.20", scene.Upstream.Requests[0].Text, StringComparison.Ordinal);

        await page.GetByRole(AriaRole.Link, new() { Name = "Compare both traces" }).ClickAsync();
        await Expect(page.Locator(".cmpt thead th")).ToHaveCountAsync(2);
        await Expect(page.Locator(".cmpt ins").First).ToBeVisibleAsync();
        var newId = page.Url[(page.Url.LastIndexOf(',') + 1)..];
        var stored = await scene.TraceAsync(newId);
        await page.GotoAsync($"traces/{newId}");
        await page.GetByRole(AriaRole.Link, new() { Name = $"replay of {trace.Id}" }).ClickAsync();
        await Expect(page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex(trace.Id));
        Assert.Equal(trace.Id, stored.GetProperty("trace_info").GetProperty("trace_metadata").GetProperty("mlflow.replay.sourceTraceId").GetString());
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Stop_WhileItStreams_EndsTheCallAndKeepsWhatCame()
    {
        await using var scene = await GatewayScene.StartAsync();
        await scene.AddAsync();
        var ended = new TaskCompletionSource();
        scene.Upstream.Answer = async request =>
        {
            await request.SendAsync(GatewayScene.Stream);
            try
            {
                while (!request.Stop.IsCancellationRequested)
                {
                    await request.SendAsync(GatewayScene.Chunk("one "));
                    await Task.Yield();
                }
            }
            finally
            {
                ended.TrySetResult();
            }
        };
        await using var opened = await ui.OpenAsync(scene.BaseAddress, "playground?endpoint=chat");
        await opened.HasCircuitAsync();
        var page = opened.Page;
        await page.GetByLabel("Text of message 2").FillAsync("Count.");
        await page.GetByRole(AriaRole.Button, new() { Name = "Send" }).ClickAsync();
        await Expect(page.Locator(".pg-out")).ToContainTextAsync("one one");

        await page.GetByRole(AriaRole.Button, new() { Name = "Stop" }).ClickAsync();

        await Expect(page.Locator("[aria-live=polite]")).ToHaveTextAsync("stopped by you");
        await ended.Task.WaitAsync(Token);
        await Expect(page.Locator(".pg-out")).ToContainTextAsync("one one");
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Open its trace" })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Call_ThatTheGatewayRefuses_SaysWhy()
    {
        await using var scene = await GatewayScene.StartAsync(options => options.GatewayGuards = [new NoSecrets()]);
        await scene.AddAsync(more: ""","rate_limits":[{"calls":1,"key":"endpoint","renewal_period":"day"}]""");
        await using var opened = await ui.OpenAsync(scene.BaseAddress, "playground");
        await opened.HasCircuitAsync();
        var page = opened.Page;
        var send = page.GetByRole(AriaRole.Button, new() { Name = "Send" });
        var alert = page.Locator("section[aria-label=Answer] [role=alert]");

        await page.GetByLabel("temperature").FillAsync("warm");
        await page.GetByText("Tools").ClickAsync();
        await page.GetByLabel("Tools").FillAsync("{");
        await send.ClickAsync();
        await Expect(page.Locator("#p-numbers")).ToContainTextAsync("temperature must be a number");
        await Expect(page.Locator("#p-tools")).ToContainTextAsync("Tools must be a JSON array.");
        await page.GetByLabel("temperature").FillAsync("");
        await page.GetByLabel("Tools").FillAsync("");
        await page.GetByLabel("Text of message 2").FillAsync("Tell me the secret");
        await send.ClickAsync();
        await Expect(alert).ToHaveTextAsync("400: Ask for no secrets.");
        await page.GetByLabel("Text of message 2").FillAsync("Tell me the capital");
        await page.GetByLabel("streamed").UncheckAsync();
        await send.ClickAsync();
        await Expect(page.Locator(".pg-out")).ToHaveTextAsync("Paris.");
        await Expect(page.Locator("main")).ToContainTextAsync("Traces of this endpoint have not what was asked and answered.");
        await send.ClickAsync();
        await Expect(alert).ToContainTextAsync("429: Rate limit of endpoint 'chat' reached");
        Assert.Single(scene.Upstream.Requests);
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Page_BelowAPathInJapanese_WorksThere()
    {
        await using var scene = await GatewayScene.StartAsync(options => options.StaticPrefix = "/mlflow");
        await scene.AddAsync();
        await using var opened = await ui.OpenAsync(scene.BaseAddress, "mlflow/settings/gateway?endpoint=chat", locale: "ja-JP");
        await opened.HasCircuitAsync();
        var page = opened.Page;
        await Expect(page.Locator("h1")).ToHaveTextAsync("エンドポイント");
        await Expect(page.Locator(".cb pre").First).ToContainTextAsync($"{scene.BaseAddress}mlflow/gateway/openai/v1");

        await page.GetByRole(AriaRole.Link, new() { Name = "chat を試す" }).ClickAsync();
        await page.GetByLabel("メッセージ 2 の本文").FillAsync("こんにちは");
        await page.GetByRole(AriaRole.Button, new() { Name = "送信" }).ClickAsync();
        await Expect(page.Locator(".pg-out")).ToHaveTextAsync("Paris.");
        Assert.All(opened.Requests, request => Assert.StartsWith("/mlflow/", request.AbsolutePath, StringComparison.Ordinal));
        Assert.Empty(opened.Complaints);
    }

    internal static SceneTrace RecordedTrace()
    {
        var trace = new SceneTrace(8100, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() - 60_000);
        var span = trace.Add(1, 0, "Completions", "CHAT_MODEL", 0, 900);
        span.Set("mlflow.spanInputs", JsonElement.Parse("""{"model":"gpt-4o","messages":[{"role":"system","content":"You know capitals.","x_part":[1,null]},{"role":"user","content":"What is the capital of France?"}],"temperature":0.20,"x_unknown":{"deep":[1e2,"<b>"]}}"""));
        span.Set("mlflow.spanOutputs", new { choices = new[] { new { index = 0, message = new { role = "assistant", content = Recorded }, finish_reason = "stop" } } });
        span.Set("mlflow.llm.model", "gpt-4o");
        span.Usage(30, 8);
        return trace;
    }

    private sealed class NoSecrets : IGatewayGuard
    {
        public ValueTask<string?> CheckAsync(GatewayRequest request, CancellationToken cancellationToken) =>
            new(System.Text.Encoding.UTF8.GetString(request.Body.Span).Contains("secret", StringComparison.Ordinal) ? "Ask for no secrets." : null);
    }
}
