using System.Text;
using Microsoft.AspNetCore.Http;
using MLflow.Tests;
using MLflow.Tests.Otlp;
using OpenAI.Chat;
using Xunit;
using Receiver = MLflow.Tests.Export.LoopbackServer;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>Which calls are left to the server to be recorded, and what becomes of them when it is another one after all.</summary>
[Collection("capture")]
public sealed class PlainCallTests : IAsyncLifetime
{
    private const string Secret = "sk-proj-Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb3dEf6hIj9kLm2n";

    private readonly string _folder = Directory.CreateTempSubdirectory("mlflow-plain-").FullName;
    private readonly OpenAIAutologOptions _options = new();
    private readonly MlflowClientOptions _clientOptions = new() { LoggerFactory = new RecordingLog() };
    private LoopbackServer _model = null!;
    private Receiver _server = null!;
    private MlflowClient? _client;
    private HttpCapture? _capture;
    private string _answer = CaptureTestBase.Answer;

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    private MlflowClient Client => _client!;

    private IEnumerable<Span> PlainCalls => _server.To("/v1/traces").Where(r => !r.WasIntercepted).SelectMany(r => r.PlainCalls);

    private IEnumerable<Span> RecordedCalls => _server.To("/v1/traces").Where(r => !r.WasIntercepted).SelectMany(r => r.Spans).Where(s => s.Attributes.Any(a => a.Key == "mlflow.spanOutputs"));

    public async ValueTask InitializeAsync()
    {
        _model = await LoopbackServer.StartAsync((context, _) => CaptureTestBase.Json(context, _answer));
        _server = await Receiver.StartAsync();
        _server.TakesFacts = true;
        _server.RecordsCallsOf = SdkInfo.Version;
    }

    public async ValueTask DisposeAsync()
    {
        _capture?.Dispose();
        await (_client?.DisposeAsync() ?? ValueTask.CompletedTask);
        await _server.DisposeAsync();
        await _model.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Call_AloneInItsTrace_GoesAsItWas()
    {
        await StartAsync();
        await CallAsync("Where is the Eiffel Tower?\n\"Guess\"");

        FlushAssert.Counts(await FlushAsync(), exported: 2);
        AssertNothingOfTheProcessDeniesIt();
        var call = Assert.Single(PlainCalls);
        Assert.Single(call.Attributes);
        var sent = Encoding.UTF8.GetString(_server.To("/v1/traces").Last().Body);
        Assert.Contains(CaptureTestBase.Answer, sent, StringComparison.Ordinal);
        Assert.Contains(Encoding.UTF8.GetString(_model.Bodies.Single()), sent, StringComparison.Ordinal);
        Assert.Empty(_server.To("/v1/traces").Last().Facts);
        Assert.Empty(_server.To("/api/3.0/mlflow/traces"));
        Assert.Equal(0, _capture!.Budget.Held);
    }

    [Fact]
    public async Task Call_ServerHasAnotherVersion_IsRecordedHere()
    {
        _server.RecordsCallsOf = SdkInfo.Version + "1";
        await AssertRecordedAsync();
    }

    [Fact]
    public async Task Call_ServerIsNotKnownYet_IsRecordedHere()
    {
        await StartAsync(isServerKnown: false);
        await CallAsync("hi");
        FlushAssert.Counts(await FlushAsync(), exported: 1);
        Assert.Empty(PlainCalls);
        Assert.Single(RecordedCalls);
    }

    [Fact]
    public async Task Call_ProcessorsLookAtSpans_IsRecordedHere()
    {
        AttributeValue seen = default;
        _clientOptions.SpanProcessors.Add(span => seen = span.EndedAttributes.FirstOrDefault(a => a.Key == AttributeNames.Outputs).Value);
        await AssertRecordedAsync();
        Assert.Equal(AttributeValueKind.Json, seen.Kind);
    }

    [Fact]
    public Task Call_RulesOfPrivacy_IsRecordedHere()
    {
        _clientOptions.Privacy.RedactedPatterns.Add("Eiffel");
        return AssertRecordedAsync("the Eiffel Tower", never: "Eiffel");
    }

    [Fact]
    public Task Call_SecretsAreNotScrubbed_IsRecordedHere()
    {
        _clientOptions.Privacy.ScrubSecrets = false;
        return AssertRecordedAsync();
    }

    [Fact]
    public async Task Call_RulesSetWhileItWaits_AreAppliedToIt()
    {
        await StartAsync();
        await CallAsync("the Eiffel Tower");
        Client.SetPrivacy(privacy => privacy.RedactedPatterns.Add("Eiffel"));
        FlushAssert.Counts(await FlushAsync(), exported: 2);
        Assert.DoesNotContain("Eiffel", Encoding.UTF8.GetString(_server.To("/v1/traces").Last().Body), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Secret)]
    [InlineData("password=x8Kq2mP9vL4wT7z")]
    [InlineData("http://user:hunter2hunter2@example.com")]
    public async Task Call_SecretInRequest_NeverLeavesTheProcess(string text)
    {
        await AssertRecordedAsync("use " + text, never: text);
        Assert.Contains("[REDACTED]", Encoding.UTF8.GetString(_server.To("/v1/traces").Last().Body), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_SecretInAnswer_NeverLeavesTheProcess()
    {
        _answer = CaptureTestBase.Answer.Replace("Paris", "Your key is " + Secret, StringComparison.Ordinal);
        await AssertRecordedAsync(never: Secret);
    }

    [Theory]
    [InlineData("1+1")]
    [InlineData("a\\/b")]
    public Task Call_EscapedSigns_IsRecordedHere(string answered)
    {
        _answer = CaptureTestBase.Answer.Replace("Paris", answered.Replace("+", "\\u002B", StringComparison.Ordinal), StringComparison.Ordinal);
        return AssertRecordedAsync();
    }

    [Fact]
    public async Task Call_BelowAnotherSpan_IsRecordedHere()
    {
        await StartAsync();
        using (Client.StartSpan("root"))
        {
            await CallAsync("hi");
        }

        FlushAssert.Counts(await FlushAsync(), exported: 2);
        Assert.Empty(PlainCalls);
        Assert.Single(RecordedCalls);
    }

    [Fact]
    public Task Call_TraceHasARun_IsRecordedHere()
    {
        _clientOptions.RunId = "0123456789abcdef0123456789abcdef";
        return AssertRecordedAsync();
    }

    [Fact]
    public Task Call_WithoutContent_IsRecordedHere()
    {
        _options.Capture = CaptureMode.Metadata;
        return AssertRecordedAsync("the Eiffel Tower", never: "Eiffel", hasOutputs: false);
    }

    [Fact]
    public Task Call_LargeBody_IsRecordedHere() => AssertRecordedAsync(new string('x', PlainCallFeature.MaxBodyBytes));

    [Fact]
    public Task Call_AnswerIsNoObject_IsRecordedHere()
    {
        _answer = "[]";
        return AssertRecordedAsync();
    }

    [Fact]
    public async Task Call_Collected_IsRecordedHere()
    {
        await StartAsync();
        await using var traces = TraceCollector.Start(Client);
        await CallAsync("hi");
        await _capture!.DrainAsync(Token);
        var trace = await traces.GetTraceAsync(cancellationToken: Token);
        Assert.Equal("chatcmpl-1", trace.Spans.Single().Outputs!.Value.GetProperty("id").GetString());
    }

    [Fact]
    public async Task Answer_DoesNotConfirm_TheCallGoesAgainRecorded_AndLaterOnesAtOnce()
    {
        await StartAsync();
        _server.ConfirmsCalls = false;
        await CallAsync("hi");
        FlushAssert.Counts(await FlushAsync(), exported: 2);
        AssertNothingOfTheProcessDeniesIt();
        var call = Assert.Single(PlainCalls);
        Assert.Equal(call.SpanId, Assert.Single(RecordedCalls).SpanId);

        await CallAsync("again");
        FlushAssert.Counts(await FlushAsync(), exported: 3);
        Assert.Single(PlainCalls);
        Assert.Equal(2, RecordedCalls.Count());
    }

    [Fact]
    public async Task Request_IsRefused_TheCallGoesAgainRecorded()
    {
        await StartAsync();
        _server.Intercept = async (context, request) =>
        {
            var isRefused = request.Path == "/v1/traces" && request.PlainCalls.Any();
            if (isRefused)
            {
                await Receiver.AnswerAsync(context, StatusCodes.Status400BadRequest, """{"error_code":"INVALID_PARAMETER_VALUE","message":"no such thing"}""");
            }

            return isRefused;
        };
        await CallAsync("one");
        await CallAsync("two");
        FlushAssert.Counts(await FlushAsync(), exported: 3);
        Assert.Equal(2, RecordedCalls.Count());
    }

    [Fact]
    public async Task Server_IsAway_TheCallIsOnTheDiskRecorded()
    {
        _clientOptions.SpoolDirectory = _folder;
        await StartAsync();
        _server.Intercept = async (context, _) =>
        {
            await Receiver.AnswerAsync(context, StatusCodes.Status503ServiceUnavailable, "later");
            return true;
        };
        await CallAsync("hi");
        await _capture!.DrainAsync(Token);
        await Client.DisposeAsync();

        var files = Directory.GetFiles(_folder, "*", SearchOption.AllDirectories).Select(File.ReadAllBytes).ToList();
        Assert.Contains(files, file => file.AsSpan().IndexOf("mlflow.spanOutputs"u8) >= 0);
        Assert.DoesNotContain(files, file => file.AsSpan().IndexOf("mlflow.plainCall"u8) >= 0);
    }

    /// <summary>The call arrives as a span with all that was recorded of it.</summary>
    private async Task AssertRecordedAsync(string prompt = "hi", string? never = null, bool hasOutputs = true)
    {
        await StartAsync();
        await CallAsync(prompt);
        FlushAssert.Counts(await FlushAsync(), exported: 2);
        Assert.Empty(PlainCalls);
        Assert.Equal(hasOutputs ? 1 : 0, RecordedCalls.Count());
        if (never is not null)
        {
            Assert.All(_server.To("/v1/traces"), request => Assert.DoesNotContain(never, Encoding.UTF8.GetString(request.Body), StringComparison.Ordinal));
        }
    }

    /// <summary>What others in the process may have left that has calls recorded here.</summary>
    private void AssertNothingOfTheProcessDeniesIt()
    {
        Assert.False(SpanMirror.IsWanted, "somebody listens to the source MLflow.Tracing");
        Assert.Null(Environment.GetEnvironmentVariable(CaptureModes.Variable));
        Assert.False(KnownSecrets.Suspects(_model.Bodies[0]), "the request looks as if a secret of another test were in it");
        Assert.False(KnownSecrets.Suspects(Encoding.UTF8.GetBytes(_answer)), "the answer looks as if a secret of another test were in it");
    }

    private async Task StartAsync(bool isServerKnown = true)
    {
        _clientOptions.TrackingUri = _server.Address;
        _client = new MlflowClient(_clientOptions);
        _capture = new HttpCapture(_client.Tracer, new SelfLog(null, TimeProvider.System), _options);
        _capture.Listen();
        if (isServerKnown)
        {
            _client.StartSpan("first").Dispose();
            await _client.FlushAsync(Token);
        }
    }

    private async Task CallAsync(string prompt)
    {
        try
        {
            await CaptureTestBase.Client(_model.Address).CompleteChatAsync([new UserChatMessage(prompt)], cancellationToken: Token);
        }
        catch (Exception e) when (e is System.Text.Json.JsonException or InvalidOperationException)
        {
            // The package reads the answer, too.
        }
    }

    private async Task<FlushResult> FlushAsync()
    {
        await _capture!.DrainAsync(Token);
        return await Client.FlushAsync(Token);
    }
}
