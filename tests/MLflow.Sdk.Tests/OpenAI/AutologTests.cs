using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using OpenAI.Chat;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

[Collection("capture")]
public sealed class AutologTests : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _seenByTracking = new();

    /// <summary>What another test turned on for its own client would go on with that.</summary>
    public AutologTests() => OpenAIAutolog.Set(null!, disable: true, configure: null);

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    [Fact]
    public async Task Autolog_TurnedOnTwice_MakesOneTraceForACallAndNoneOfTheExport()
    {
        await using var model = await LoopbackServer.StartAsync((context, _) => CaptureTestBase.Json(context, CaptureTestBase.Answer));
        await using var tracking = await LoopbackServer.StartAsync(AcceptAsync);
        await using var client = new MlflowClient(new MlflowClientOptions { TrackingUri = tracking.Address.ToString() });
        var chat = CaptureTestBase.Client(model.Address);

        // The connection exists before tracing does.
        await chat.CompleteChatAsync([new UserChatMessage("before")], cancellationToken: Token);
        OpenAIAutolog.Set(client, disable: false, configure: null);
        OpenAIAutolog.Set(client, disable: false, configure: o => o.MaxChunkEvents = 7);
        await chat.CompleteChatAsync([new UserChatMessage("seen")], cancellationToken: Token);
        var result = await client.FlushAsync(Token);

        Assert.Equal(1, result.Exported);
        Assert.Equal(0, result.Pending);
        Assert.Contains("/v1/traces", _seenByTracking);

        OpenAIAutolog.Set(client, disable: true, configure: null);
        OpenAIAutolog.Set(client, disable: true, configure: null);
        await chat.CompleteChatAsync([new UserChatMessage("after")], cancellationToken: Token);
        Assert.Equal(1, (await client.FlushAsync(Token)).Exported);
    }

    [Fact]
    public async Task Autolog_AfterACall_ItsTraceIsTheLastOfTheFlow()
    {
        await using var model = await LoopbackServer.StartAsync((context, _) => CaptureTestBase.Json(context, CaptureTestBase.Answer));
        await using var tracking = await LoopbackServer.StartAsync(AcceptAsync);
        await using var client = new MlflowClient(new MlflowClientOptions { TrackingUri = tracking.Address.ToString() });
        OpenAIAutolog.Set(client, disable: false, configure: null);

        await CaptureTestBase.Client(model.Address).CompleteChatAsync([new UserChatMessage("seen")], cancellationToken: Token);

        Assert.StartsWith("tr-", client.GetLastActiveTraceId(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Autolog_TurnedOffAndOn_SeesAgain()
    {
        await using var model = await LoopbackServer.StartAsync((context, _) => CaptureTestBase.Json(context, CaptureTestBase.Answer));
        await using var tracking = await LoopbackServer.StartAsync(AcceptAsync);
        await using var client = new MlflowClient(new MlflowClientOptions { TrackingUri = tracking.Address.ToString() });

        OpenAIAutolog.Set(client, disable: false, configure: null);
        OpenAIAutolog.Set(client, disable: true, configure: null);
        OpenAIAutolog.Set(client, disable: false, configure: null);
        await CaptureTestBase.Client(model.Address).CompleteChatAsync([new UserChatMessage("seen")], cancellationToken: Token);

        Assert.Equal(1, (await client.FlushAsync(Token)).Exported);
    }

    [Fact]
    public async Task Autolog_WhereDiagnosticsAreOff_Warns()
    {
        // HttpClient reads the switch once; by now it has.
        await using var model = await LoopbackServer.StartAsync((context, _) => Task.CompletedTask);
        using (var http = new HttpClient())
        {
            await http.GetAsync(model.Address, Token);
        }

        using var log = new RecordingLog();
        await using var client = new MlflowClient(new MlflowClientOptions { LoggerFactory = log, TrackingUri = model.Address.ToString() });
        AppContext.SetSwitch("System.Net.Http.EnableActivityPropagation", false);
        try
        {
            OpenAIAutolog.Set(client, disable: false, configure: null);
        }
        finally
        {
            AppContext.SetSwitch("System.Net.Http.EnableActivityPropagation", true);
        }

        Assert.Contains("EnableActivityPropagation is off", Assert.Single(log.Messages), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Autolog_OptionOutOfRange_SaysWhich()
    {
        await using var client = new MlflowClient(new MlflowClientOptions { TrackingUri = "http://127.0.0.1:9" });

        var error = Assert.Throws<ArgumentOutOfRangeException>(() => OpenAIAutolog.Set(client, disable: false, configure: o => o.MaxCaptureBytes = 5));

        Assert.Contains(nameof(OpenAIAutologOptions.MaxCaptureBytes), error.Message, StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        await using var client = new MlflowClient(new MlflowClientOptions { TrackingUri = "http://127.0.0.1:9" });
        OpenAIAutolog.Set(client, disable: true, configure: null);
    }

    private Task AcceptAsync(HttpContext context, int number)
    {
        _seenByTracking.Enqueue(context.Request.Path);
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(context.Request.Path == "/version" ? "3.11.0" : "{}");
    }

    private sealed class RecordingLog : ILoggerFactory, ILogger
    {
        public ConcurrentQueue<string> Messages { get; } = new();

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Messages.Enqueue(formatter(state, exception));

        public void Dispose()
        {
        }
    }
}
