using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MLflow.Tests.Export;
using Xunit;

namespace MLflow.Tests.Hosting;

/// <summary>What a host attaches is the process's, so these run one after the other.</summary>
[Collection("capture")]
public sealed class HostTracingTests : IDisposable
{
    private readonly bool _wasConfigured = Mlflow.IsConfigured;
    private readonly RecordingLog _log = new("MLflow.Tracing");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public HostTracingTests() => Mlflow.IsConfigured = false;

    public void Dispose()
    {
        Mlflow.IsConfigured = _wasConfigured;
        Mlflow.SetPrivacy(_ => { });
        Mlflow.Privacy = null;

        // A host turns it on where nobody has said anything, and it stays.
        OpenAIAutolog.Set(Mlflow.Client, disable: true, configure: null);
        _log.Dispose();
    }

    [Fact]
    public async Task Host_Stops_SendsWhatWaits()
    {
        await using var server = await LoopbackServer.StartAsync();
        using var host = Build(o => (o.TrackingUri, o.Experiment) = (server.Address, "hosted"));
        await host.StartAsync(Token);
        Client(host).StartSpan("injected").Dispose();
        Mlflow.StartSpan("by the face").Dispose();
        await host.StopAsync(Token);

        Assert.Equal(["by the face", "injected"], Names(server));
        Assert.Equal("hosted", server.To("/api/2.0/mlflow/experiments/create").Single().Json.GetProperty("name").GetString());
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public async Task Span_OfTheClientWithinOneOfTheFace_IsItsChild()
    {
        using var host = Build(o => o.TrackingUri = "http://127.0.0.1:1");
        await host.StartAsync(Token);
        await using var traces = TraceCollector.Start();
        using (Mlflow.StartSpan("outer"))
        {
            Client(host).StartSpan("inner").Dispose();
        }

        var trace = await traces.GetTraceAsync(cancellationToken: Token);
        Assert.Equal("outer", trace.ParentOf(trace.GetSpan("inner"))!.Name);
        await host.StopAsync(Token);
    }

    [Fact]
    public async Task Host_StopsWithSilentServer_EndsByItsOwnTimeoutAndSaysSo()
    {
        await using var server = await LoopbackServer.StartAsync();
        var never = new TaskCompletionSource();
        server.Intercept = async (context, _) =>
        {
            await never.Task.WaitAsync(context.RequestAborted);
            return true;
        };
        using (var host = Build(o => o.TrackingUri = server.Address))
        {
            await host.StartAsync(Token);
            Client(host).StartSpan("waits").Dispose();

            using var timeout = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
            await host.StopAsync(timeout.Token);

            Assert.Contains("shutdown timeout", Assert.Single(_log.Lines), StringComparison.Ordinal);
            never.SetException(new OperationCanceledException());
        }
    }

    [Theory]
    [InlineData(false, "[REDACTED]", "[REDACTED]")]
    [InlineData(true, "x", "[REDACTED]")]
    public async Task Privacy_OfTheProcess_IsThatOfAHostUnlessItHasItsOwn(bool hasItsOwn, string before, string after)
    {
        Mlflow.SetPrivacy(privacy => privacy.RedactedKeys.Add("ssn"));
        using var host = Build(o =>
        {
            o.TrackingUri = "http://127.0.0.1:1";
            if (hasItsOwn)
            {
                o.Privacy.RedactedKeys.Add("name");
            }
        });
        await host.StartAsync(Token);
        await using var traces = TraceCollector.Start();
        Trace();
        Mlflow.SetPrivacy(privacy => privacy.RedactedKeys.Add("ssn"));
        Trace();

        Assert.Equal([before, after], (await traces.GetTracesAsync(cancellationToken: Token)).Select(trace => trace.Root!.Attributes["ssn"].GetString()));
        await host.StopAsync(Token);

        void Trace()
        {
            using var span = Client(host).StartSpan("work");
            span.SetAttribute("ssn", "x");
        }
    }

    [Fact]
    public async Task Reset_OfAHostsClient_IsAsItWasMadeAndOfTheFaceAsNobodyHadSaidAnything()
    {
        Mlflow.SetPrivacy(privacy => privacy.RedactedKeys.Add("ssn"));
        Mlflow.SetTrackingUri("http://127.0.0.1:2");
        using var host = Build(o => o.TrackingUri = "http://127.0.0.1:1");
        await host.StartAsync(Token);
        Assert.Equal("http://127.0.0.1:2", Mlflow.TrackingUri);

        // What the process says it took over when it was made.
        Client(host).SetPrivacy(_ => { });
        Assert.Equal("x", await SsnAsync(host));
        Client(host).Reset();
        Assert.Equal("[REDACTED]", await SsnAsync(host));

        Mlflow.Tracing.Reset();
        Assert.Equal("http://127.0.0.1:1", Mlflow.TrackingUri);
        Client(host).Reset();
        Assert.Equal("x", await SsnAsync(host));
        using var later = Build(o => o.TrackingUri = "http://127.0.0.1:1");
        Assert.Equal("x", await SsnAsync(later));
        await host.StopAsync(Token);
    }

    private static async Task<string?> SsnAsync(IHost host)
    {
        await using var traces = TraceCollector.Start(Client(host));
        using (var span = Client(host).StartSpan("work"))
        {
            span.SetAttribute("ssn", "x");
        }

        return (await traces.GetTraceAsync(cancellationToken: Token)).Root!.Attributes["ssn"].GetString();
    }

    [Fact]
    public async Task Settings_AllMistakes_AreToldAtOnce()
    {
        using var host = Build(
            o =>
            {
                o.ConfigureOpenAI = openAI => openAI.MaxCaptureBytes = 1;
                o.Privacy.RedactedPatterns.Add("(");
            },
            ("MLflow:TrackingUri", "ftp://x"),
            ("MLflow:Experiment", new string('x', 501)),
            ("MLflow:SpoolMaxBytes", "many"),
            ("MLflow:Autolog", "perhaps"),
            ("MLflow:Capture", "some"),
            ("MLflow:KeepErrors", "often"),
            ("MLflow:KeepSlowerThan", "-1"),
            ("MLFLOW_TRACE_TIMEOUT_SECONDS", "0"),
            ("MLFLOW_TRACE_SAMPLING_RATIO", "2"),
            ("MLflow:RunId", " "));

        var e = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(Token));

        Assert.Collection(
            e.Failures,
            f => Assert.Equal("MLflow:SpoolMaxBytes is 'many': it must be a number of bytes, for example 268435456.", f),
            f => Assert.Equal("MLflow:KeepErrors is 'often': it must be true or false.", f),
            f => Assert.Equal("MLflow:Autolog is 'perhaps': it must be true or false.", f),
            f => Assert.Equal("MLflow:Capture is 'some': it must be Off, Metadata or Full.", f),
            f => Assert.StartsWith("MLflow:TrackingUri: The tracking URI 'ftp://x' is not supported: give the address of an MLflow server, for example http://localhost:5000", f, StringComparison.Ordinal),
            f => Assert.StartsWith("MLflow:Experiment is 'xxx", f, StringComparison.Ordinal),
            f => Assert.Equal("MLflow:RunId is ' ' (1 characters): an id has 1 to 250 characters. Leave it away for none.", f),
            f => Assert.Equal("MLflow:SamplingRatio is 2: it must be from 0 (no trace) to 1 (every trace).", f),
            f => Assert.Equal("MLflow:KeepSlowerThan is -00:00:01: it must be a time that a trace can take.", f),
            f => Assert.Equal("MLflow:TraceTimeout is 00:00:00: it must be more than nothing. Leave it away for none.", f),
            f => Assert.StartsWith("Privacy: '(' in RedactedPatterns is not a regular expression", f, StringComparison.Ordinal),
            f => Assert.StartsWith("ConfigureOpenAI: ", f, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Basic YWRhOmh1bnRlcjI=", "MLflow:TrackingUsername=ada", "MLflow:TrackingPassword=hunter2", "MLFLOW_TRACKING_TOKEN=other")]
    [InlineData("Bearer hunter2", "MLflow:TrackingToken=hunter2", "MLFLOW_TRACKING_USERNAME=eve", "MLFLOW_TRACKING_PASSWORD=other")]
    [InlineData("Basic YWRhOmh1bnRlcjI=", "MLFLOW_TRACKING_USERNAME=ada", "MLFLOW_TRACKING_PASSWORD=hunter2", "MLFLOW_TRACKING_TOKEN=other")]
    [InlineData("Bearer hunter2", "MLFLOW_TRACKING_TOKEN=hunter2", "MLFLOW_TRACKING_USERNAME=eve")]
    public async Task Settings_CredentialsInTheConfiguration_AreSentAndNotTold(string header, params string[] settings)
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Intercept = async (context, request) =>
        {
            if (request.Path != "/v1/traces")
            {
                return false;
            }

            await LoopbackServer.AnswerAsync(context, 403, """{"detail":"no"}""");
            return true;
        };
        using var host = Build(o => o.TrackingUri = server.Address, [.. settings.Select(setting => setting.Split('=')).Select(pair => (pair[0], string.Join('=', pair[1..])))]);
        await host.StartAsync(Token);
        Client(host).StartSpan("s").Dispose();
        var e = await Assert.ThrowsAsync<MlflowException>(() => Client(host).GetExperimentAsync("404", Token));
        var result = await Client(host).FlushAsync(Token);
        await host.StopAsync(Token);

        Assert.NotEmpty(server.To("/v1/traces"));
        Assert.All(server.Requests, request => Assert.Equal(header, request.Header("Authorization")));
        Assert.All([.. _log.Lines, e.ToString(), result.ToString()], text => Assert.DoesNotContain("hunter2", text, StringComparison.Ordinal));
        Assert.DoesNotContain("hunter2", host.Services.GetRequiredService<IOptions<MlflowTracingOptions>>().Value.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("MLflow:TrackingUsername is set without MLflow:TrackingPassword: give both.", "ada", null, null)]
    [InlineData("MLflow:TrackingPassword is set without MLflow:TrackingUsername: give both.", null, "hunter2", null)]
    [InlineData("MLflow:TrackingToken and MLflow:TrackingUsername are both set: give a token, or a name and a password.", "ada", "hunter2", "hunter2")]
    [InlineData("MLflow:TrackingUsername contains a colon, which a name cannot.", "a:da", "hunter2", null)]
    [InlineData("MLflow:TrackingToken contains a line break or another control character: a file that it was read from may end in one.", null, null, "hunter2\n")]
    public async Task Settings_CredentialsThatCannotBe_AreToldAtTheStart(string mistake, string? user, string? password, string? token)
    {
        using var host = Build(o => (o.TrackingUsername, o.TrackingPassword, o.TrackingToken) = (user, password, token));

        var e = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(Token));
        var ofClient = Assert.Throws<ArgumentException>(() => new MlflowClient(new MlflowClientOptions { TrackingUsername = user, TrackingPassword = password, TrackingToken = token }));

        Assert.Equal(mistake, Assert.Single(e.Failures));
        Assert.StartsWith(mistake.Replace("MLflow:", "", StringComparison.Ordinal), ofClient.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sqlite:mlflow.db", "names no database: write sqlite:///relative/path.db or sqlite:////absolute/path.db.")]
    [InlineData("sqlite:///mlflow.db", "names a database, for which the program needs the package MLflow: reference it, or give the address of an MLflow server.")]
    public async Task Settings_DatabaseThatCannotBe_IsToldAtTheStart(string uri, string mistake)
    {
        using var host = Build(o => o.TrackingUri = uri);

        var e = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(Token));

        Assert.Equal($"MLflow:TrackingUri: The tracking URI '{uri}' {mistake}", Assert.Single(e.Failures));
    }

    [Fact]
    public void Settings_OfSectionEnvironmentNamesAndCode_GoBeforeEachOtherInThatOrder()
    {
        using var host = Build(
            o => o.SpoolDirectory = "none",
            ("mlflow:trackinguri", "http://127.0.0.1:1"),
            ("MLFLOW_TRACKING_URI", "http://127.0.0.1:2"),
            ("MLFLOW_EXPERIMENT_ID", "77"),
            ("MLFLOW_TRACE_SAMPLING_RATIO", "0.5"),
            ("MLflow:SpoolDirectory", "/nowhere"),
            ("MLflow:SpoolMaxBytes", "1000"),
            ("MLflow:Capture", "metadata"),
            ("MLflow:KeepErrors", "true"),
            ("MLflow:KeepSlowerThan", "00:01:30"),
            ("MLFLOW_TRACE_TIMEOUT_SECONDS", "600"),
            ("MLflow:Autolog", "false"));

        var options = host.Services.GetRequiredService<IOptions<MlflowTracingOptions>>().Value;

        Assert.Equal(("http://127.0.0.1:1", "77", 0.5), (options.TrackingUri, Client(host).Outlet.Destination.ExperimentId, options.SamplingRatio));
        Assert.Equal(("none", 1000, false), (options.SpoolDirectory, options.SpoolMaxBytes, options.Autolog));
        Assert.Equal((true, TimeSpan.FromSeconds(90), TimeSpan.FromMinutes(10)), (options.KeepErrors, options.KeepSlowerThan, options.TraceTimeout));
        Assert.Equal(CaptureMode.Metadata, options.Privacy.Capture);
        Assert.Equal("http://127.0.0.1:1", Client(host).TrackingUri);
    }

    [Theory]
    [InlineData("9 ", null, null, "MLFLOW_TRACING_DESTINATION=9", "MLFLOW_EXPERIMENT_NAME=b", "MLFLOW_EXPERIMENT_ID=77")]
    [InlineData(" b", null, null, "MLFLOW_EXPERIMENT_NAME=b", "MLFLOW_EXPERIMENT_ID=77")]
    [InlineData(" a", null, null, "MLflow:Experiment=a", "MLFLOW_TRACING_DESTINATION=9")]
    [InlineData(" a", "a", null, "MLFLOW_EXPERIMENT_ID=77", "MLFLOW_TRACING_DESTINATION=9")]
    [InlineData("5 ", null, "5", "MLFLOW_EXPERIMENT_NAME=b", "MLFLOW_TRACING_DESTINATION=9")]
    public async Task Experiment_OfCodeSectionAndEnvironment_GoBeforeEachOtherInThatOrder(string expected, string? name, string? id, params string[] settings)
    {
        using var host = Build(
            o => (o.Experiment, o.ExperimentId) = (name ?? o.Experiment, id ?? o.ExperimentId),
            [("MLflow:TrackingUri", "http://127.0.0.1:1"), .. settings.Select(setting => setting.Split('=')).Select(pair => (pair[0], pair[1]))]);
        await host.StartAsync(Token);

        var destination = Client(host).Outlet.Destination;

        Assert.Equal(expected, $"{destination.ExperimentId} {destination.ExperimentName}");
        await host.StopAsync(Token);
    }

    [Theory]
    [InlineData("r1 m1", "MLflow:RunId=r1", "MLflow:ModelId=m1", "MLFLOW_RUN_ID=r2")]
    [InlineData("r2 m2", "MLFLOW_RUN_ID=r2", "MLFLOW_ACTIVE_MODEL_ID=m2")]
    public async Task Run_AndModelOfTheConfiguration_AreThoseOfTraces(string expected, params string[] settings)
    {
        await using var server = await LoopbackServer.StartAsync();
        using var host = Build(o => o.TrackingUri = server.Address, [.. settings.Select(setting => setting.Split('=')).Select(pair => (pair[0], pair[1]))]);
        await host.StartAsync(Token);
        Client(host).StartSpan("s").Dispose();
        await host.StopAsync(Token);

        var metadata = server.To("/api/3.0/mlflow/traces").Single().Json.GetProperty("trace").GetProperty("trace_info").GetProperty("trace_metadata");
        Assert.Equal(expected, $"{metadata.GetProperty("mlflow.sourceRun")} {metadata.GetProperty("mlflow.modelId")}");
    }

    [Fact]
    public async Task Settings_UnknownKey_IsWarnedOf()
    {
        using var host = Build(null, ("MLflow:TrackinUri", "http://127.0.0.1:1"));
        await host.StartAsync(Token);
        await host.StopAsync(Token);

        Assert.Equal("MLflow:TrackinUri in the configuration is no setting of MLflow's tracing and is ignored.", Assert.Single(_log.Lines));
    }

    [Fact]
    public async Task Add_Twice_IsOneTracingWithBothSettings()
    {
        var builder = Builder();
        builder.Services.AddMlflowTracing(o => (o.TrackingUri, o.Experiment) = ("http://127.0.0.1:1", "a")).AddMlflowTracing(o => o.Experiment = "b").AddMlflowTracing();
        using var host = builder.Build();

        var options = host.Services.GetRequiredService<IOptions<MlflowTracingOptions>>().Value;
        Assert.Equal(("http://127.0.0.1:1", "b"), (options.TrackingUri, options.Experiment));
        Assert.Single(host.Services.GetServices<IHostedService>(), service => service.GetType().Assembly == typeof(Mlflow).Assembly);
        Assert.Single(host.Services.GetServices<MlflowClient>());
        await host.StartAsync(Token);
        await host.StopAsync(Token);
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public async Task Hosts_TwoInAProcess_DoNotMeet()
    {
        await using var first = await LoopbackServer.StartAsync();
        await using var second = await LoopbackServer.StartAsync();
        using var a = Build(o => o.TrackingUri = first.Address);
        using var b = Build(o => o.TrackingUri = second.Address);
        await a.StartAsync(Token);
        await b.StartAsync(Token);
        Assert.Contains("Another host of this process came first", Assert.Single(_log.Lines), StringComparison.Ordinal);

        Client(a).StartSpan("a").Dispose();
        Client(b).StartSpan("b").Dispose();
        Mlflow.StartSpan("face: a").Dispose();
        using (Mlflow.UseClient(Client(b)))
        {
            Mlflow.StartSpan("face: b").Dispose();
            using (Mlflow.UseClient(Client(a)))
            {
                // What runs in a task is of the flow that started it.
                await Task.Run(() => Mlflow.StartSpan("task: a").Dispose(), Token);
            }
        }

        await a.StopAsync(Token);
        Mlflow.StartSpan("face, later: b").Dispose();
        await b.StopAsync(Token);

        Assert.Equal(["a", "face: a", "task: a"], Names(first));
        Assert.Equal(["b", "face, later: b", "face: b"], Names(second));
    }

    [Fact]
    public async Task Program_WithItsOwnSettings_KeepsItsTracesFromAHost()
    {
        await using var own = await LoopbackServer.StartAsync();
        await using var hosts = await LoopbackServer.StartAsync();
        await using var others = await LoopbackServer.StartAsync();
        using var program = HostedProgram.Start(own.Address, hosts.Address, otlpEndpoint: others.Address);
        var errors = await program.StandardError.ReadToEndAsync(Token);
        await program.WaitForExitAsync(Token);

        Assert.True(program.ExitCode == 0, errors);
        Assert.Equal(["program"], Names(own));
        Assert.Equal(["host, by the face", "host, injected"], Names(hosts));

        // Where a program's other telemetry goes is no concern of its traces.
        Assert.Empty(others.Requests);
    }

    [Fact]
    public async Task Program_WithBadSettings_IsTracedWhereAHostHasBetterOnes()
    {
        await using var server = await LoopbackServer.StartAsync();
        using var program = MisconfiguredProgram.Start(server.Address);
        var errors = await program.StandardError.ReadToEndAsync(Token);
        await program.WaitForExitAsync(Token);

        Assert.True(program.ExitCode == 0, errors);
        Assert.StartsWith("mlflow: methods with [Trace] are not traced: The tracking URI 'no address' is not supported", Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.Equal(["in the host", "in the host", "in the host's flow", "in the host's flow"], Names(server));
    }

    [Fact]
    public async Task UseClient_OneOfItsOwn_IsRefused()
    {
        await using var client = Some.Client("http://127.0.0.1:1");
        Assert.Throws<ArgumentException>(() => Mlflow.UseClient(client));
    }

    [Fact]
    public async Task Host_DisposedWithoutBeingStopped_IsNoLongerSpokenFor()
    {
        await using var server = await LoopbackServer.StartAsync();
        using (var host = Build(o => o.TrackingUri = server.Address))
        {
            await host.StartAsync(Token);
            Assert.Equal(server.Address, Mlflow.TrackingUri);
            Mlflow.StartSpan("by the face").Dispose();
        }

        Assert.NotEqual(server.Address, Mlflow.TrackingUri);
        Assert.Equal(["by the face"], Names(server));
    }

    [Fact]
    public void Container_DisposedWithoutWaiting_DoesNotThrow()
    {
        using var services = new ServiceCollection().AddMlflowTracing(o => o.TrackingUri = "http://127.0.0.1:1").BuildServiceProvider();
        Assert.Equal("http://127.0.0.1:1", services.GetRequiredService<MlflowClient>().TrackingUri);
    }

    private static MlflowClient Client(IHost host) => host.Services.GetRequiredService<MlflowClient>();

    private static IEnumerable<string> Names(LoopbackServer server) =>
        server.To("/v1/traces").SelectMany(request => request.Spans).Select(span => span.Name).Order(StringComparer.Ordinal);

    private HostApplicationBuilder Builder()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton<ILoggerFactory>(_log);
        return builder;
    }

    private IHost Build(Action<MlflowTracingOptions>? configure, params (string Key, string Value)[] settings)
    {
        var builder = Builder();
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)));
        builder.Services.AddMlflowTracing(configure);
        return builder.Build();
    }
}
