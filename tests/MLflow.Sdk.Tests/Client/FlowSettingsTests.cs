using MLflow.Tests.Export;
using Xunit;

namespace MLflow.Tests.Client;

public sealed class FlowSettingsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Settings_SetAtOnce_AreBothKept()
    {
        await using var client = Some.Client("http://127.0.0.1:1", "first");
        var isOver = false;
        var sets = 0;
        var other = Task.Run(
            () =>
            {
                while (!Volatile.Read(ref isOver))
                {
                    client.SetTrackingUri("http://127.0.0.1:2");
                    Interlocked.Increment(ref sets);
                }
            },
            Token);
        var lost = 0;
        for (var i = 0; i < 2_000; i++)
        {
            client.SetExperiment($"{i}");

            // What had begun before is over after two more.
            var seen = Volatile.Read(ref sets);
            SpinWait.SpinUntil(() => Volatile.Read(ref sets) > seen + 1);
            lost += client.Outlet.Destination.ExperimentName == $"{i}" ? 0 : 1;
        }

        Volatile.Write(ref isOver, true);
        await other;
        Assert.Equal(0, lost);
    }

    [Fact]
    public async Task UseExperiment_NestedAndLeft_TakesTracesOfItsTime()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Some.Client(server, "general");

        client.StartSpan("1").Dispose();
        using (client.UseExperiment("a"))
        {
            client.StartSpan("2").Dispose();
            using (client.UseExperimentById("77"))
            {
                client.StartSpan("3").Dispose();
            }

            client.StartSpan("4").Dispose();
        }

        client.StartSpan("5").Dispose();

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 5);
        Assert.Equal("1:1 2:2 3:77 4:2 5:1", Where(server, "general", "a"));
    }

    [Fact]
    public async Task UseExperiment_ParallelFlows_DoNotMeet()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Some.Client(server);
        using var both = new Barrier(2);

        await Task.WhenAll(Enumerable.Range(1, 2).Select(i => Task.Run(() =>
        {
            using var scope = client.UseExperimentById($"{i}0");
            both.SignalAndWait(Token);
            client.StartSpan($"{i}").Dispose();
        }, Token)));
        client.StartSpan("3").Dispose();

        await client.FlushAsync(Token);
        Assert.Equal("1:10 2:20 3:0", Where(server));
    }

    [Fact]
    public async Task UseExperiment_ScopeThatIsLeftLate_ChangesNothing()
    {
        await using var client = Some.Client("http://127.0.0.1:1", "general");
        var outer = client.UseExperiment("a", "http://127.0.0.1:2");
        var inner = client.UseExperiment("b");
        Assert.Equal("http://127.0.0.1:2", client.TrackingUri);

        outer.Dispose();
        Assert.Equal("http://127.0.0.1:2", client.TrackingUri);

        inner.Dispose();
        inner.Dispose();
        Assert.Equal("http://127.0.0.1:2", client.TrackingUri);

        outer.Dispose();
        Assert.Equal("http://127.0.0.1:1", client.TrackingUri);
    }

    [Fact]
    public async Task UseExperiment_OnAnotherServer_SendsItThere()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var other = await LoopbackServer.StartAsync();
        await using var client = Some.Client(server);

        using (client.UseExperiment("a", other.Address))
        {
            client.StartSpan("there").Dispose();
        }

        client.StartSpan("here").Dispose();
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 2);
        Assert.Equal("there:1", Where(other, "a"));
        Assert.Equal("here:0", Where(server));
        Assert.Throws<ArgumentException>(() => { client.UseExperiment("a", "ftp://x"); });
    }

    [Fact]
    public async Task SetDestination_IdOfAnExperiment_TakesWhatBeginsFromNowOn()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Some.Client(server, "general");
        var before = client.StartSpan("before");
        client.SetDestination("77");
        before.Dispose();
        client.StartSpan("after").Dispose();
        client.SetExperiment("other");
        client.StartSpan("other").Dispose();

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 3);
        Assert.Equal("after:77 before:1 other:2", Where(server, "general", "other"));
    }

    [Fact]
    public async Task UseRun_TracesOfItsTime_BelongToIt()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = new MlflowClient(new MlflowClientOptions { TrackingUri = server.Address, RunId = "r0", ModelId = "m0" });

        using (client.UseExperimentById("5"))
        using (client.UseRun("r1"))
        {
            client.StartSpan("with").Dispose();
            using var own = client.StartSpan("own");
            client.UpdateCurrentTrace(new TraceUpdate { Metadata = { ["mlflow.sourceRun"] = "r2" } });
        }

        client.StartSpan("without").Dispose();
        await client.FlushAsync(Token);

        Assert.Equal("own:5 with:5 without:0", Where(server));
        Assert.Equal(
            "own:r2 with:r1 without:r0",
            string.Join(' ', Infos(server).Select(info => $"{Name(info)}:{(info.GetProperty("trace_metadata").TryGetProperty("mlflow.sourceRun", out var run) ? run : "")}").Order(StringComparer.Ordinal)));
        Assert.All(Infos(server), info => Assert.Equal("m0", info.GetProperty("trace_metadata").GetProperty("mlflow.modelId").GetString()));
    }

    [Fact]
    public void RunId_ThatCannotBe_IsToldWhenTheClientIsMade()
    {
        var e = Assert.Throws<ArgumentException>(() => new MlflowClient(new MlflowClientOptions { RunId = new string('r', 251) }));

        Assert.StartsWith("RunId is 'rrr", e.Message, StringComparison.Ordinal);
        Assert.Contains("an id has 1 to 250 characters", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAndModel_OfTheEnvironment_AreThoseOfTraces()
    {
        await using var server = await LoopbackServer.StartAsync();
        using var program = ExitingProgram.Start("return", server.Address, ("MLFLOW_RUN_ID", "r7"), ("MLFLOW_ACTIVE_MODEL_ID", "m7"));
        await program.WaitForExitAsync(Token);

        var metadata = Assert.Single(Infos(server)).GetProperty("trace_metadata");
        Assert.Equal(("r7", "m7"), (metadata.GetProperty("mlflow.sourceRun").GetString(), metadata.GetProperty("mlflow.modelId").GetString()));
    }

    [Fact]
    public async Task LinkTracesToRun_ManyIds_GoInBatches()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Intercept = async (context, _) =>
        {
            await LoopbackServer.AnswerAsync(context, 200, "{}");
            return true;
        };
        await using var client = Some.Client(server);

        await client.LinkTracesToRunAsync(Enumerable.Range(0, 150).Select(i => $"tr-{i}"), "d314", Token);

        Assert.Equal([100, 50], server.To("/api/2.0/mlflow/traces/link-to-run").Select(request => request.Json.GetProperty("trace_ids").GetArrayLength()));
        Assert.Equal("""{"trace_ids":["tr-100"],"run_id":"d314"}""", server.Requests[1].Json.GetRawText().Replace(string.Concat(Enumerable.Range(101, 49).Select(i => $",\"tr-{i}\"")), "", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task UpdateCurrentTrace_RequestIdPreviewsAndState_StandBeforeWhatTheSpansSay(bool takesFacts)
    {
        await using var server = await LoopbackServer.StartAsync();
        server.TakesFacts = takesFacts;
        await using var client = Some.Client(server);

        using (var span = client.StartSpan("work"))
        {
            span.SetInputs("in");
            client.UpdateCurrentTrace(new TraceUpdate { ClientRequestId = "r-9", RequestPreview = new string('x', 2000), State = SpanStatusCode.Error });
            client.UpdateCurrentTrace(new TraceUpdate { ResponsePreview = "said", State = SpanStatusCode.Unset });
        }

        await client.FlushAsync(Token);
        var info = takesFacts ? server.To("/v1/traces").SelectMany(r => r.Facts).Single() : Infos(server).Single();
        Assert.Equal(("r-9", "said", "ERROR"), (info.GetProperty("client_request_id").GetString(), info.GetProperty("response_preview").GetString(), info.GetProperty("state").GetString()));
        Assert.Equal(new string('x', 997) + "...", info.GetProperty("request_preview").GetString());
    }

    private static IEnumerable<System.Text.Json.JsonElement> Infos(LoopbackServer server) =>
        server.Requests.Where(r => r.Path == "/api/3.0/mlflow/traces").Select(r => r.Json.GetProperty("trace").GetProperty("trace_info"));

    private static string Name(System.Text.Json.JsonElement info) => info.GetProperty("tags").GetProperty("mlflow.traceName").GetString()!;

    /// <summary>Name and experiment of each trace; experiments by name are numbered from 1 in the order given.</summary>
    private static string Where(LoopbackServer server, params string[] names)
    {
        var created = server.To("/api/2.0/mlflow/experiments/create").Select(r => r.Json.GetProperty("name").GetString()!).ToList();
        return string.Join(' ', Infos(server)
            .Select(info => (Name: Name(info), Id: info.GetProperty("trace_location").GetProperty("mlflow_experiment").GetProperty("experiment_id").GetString()!))
            .Select(trace => $"{trace.Name}:{(int.TryParse(trace.Id, out var id) && id > 0 && id <= created.Count ? Array.IndexOf(names, created[id - 1]) + 1 : trace.Id)}")
            .Order(StringComparer.Ordinal));
    }
}
