using MLflow.Tests.Databricks.Workspace;
using MLflow.Tests.Otlp;
using Xunit;

namespace MLflow.Tests.Databricks;

/// <summary>Traces in Unity Catalog.</summary>
public sealed class CatalogTests : ClientTestBase
{
    private const string Place = "main.traces";

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Workspace.Catalog.AddSchema(Place);
        Workspace.Catalog.CreateTable(Place);
    }

    [Theory]
    [InlineData("main.traces")]
    [InlineData("main.traces.app")]
    public async Task Flush_OneTrace_GoesIntoTheTableThenItsFacts(string place)
    {
        Workspace.Catalog.CreateTable(place);
        var client = CatalogClient(place);
        string id;
        using (var root = client.StartSpan("ask"))
        {
            id = root.TraceId;
            client.UpdateCurrentTrace(new TraceUpdate { Session = "s-1", User = "u-7" });
            client.StartSpan("find").Dispose();
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);

        Assert.StartsWith($"trace:/{place}/", id, StringComparison.Ordinal);
        var hex = id[^32..];
        var spans = Workspace.Catalog.Spans(place, hex);
        Assert.Equal(["ask", "find"], spans.Select(s => s.Name).Order());
        var root1 = spans.Single(s => s.ParentSpanId.IsEmpty);
        Assert.Equal(["s-1", "u-7"], root1.Attributes.Where(a => a.Key is "session.id" or "user.id").Select(a => a.Value.StringValue));
        var info = Workspace.Catalog.Find(place, hex)!.Info;
        Assert.Equal(hex, ApiRequest.Text(info, "trace_id"));
        Assert.Equal([$"POST {CatalogSpanEndpoints.Path}", $"POST /api/4.0/mlflow/traces/{place}/{hex}/info"], Workspace.Requests.Select(r => $"{r.Method} {r.Path}"));
    }

    [Fact]
    public async Task Destination_OfTheEnvironmentOrTheProgram_DecidesWhereTracesGo()
    {
        var client = Client();
        client.SetDestination(Place);
        Assert.StartsWith("trace:/main.traces/", Trace(client), StringComparison.Ordinal);
        client.SetExperiment("/Shared/app");
        Assert.StartsWith("tr-", Trace(client), StringComparison.Ordinal);
        using (client.UseExperimentById(Place))
        {
            Assert.StartsWith("trace:/main.traces/", Trace(client), StringComparison.Ordinal);
            Assert.StartsWith("trace:/main.traces/", client.GetLastActiveTraceId(), StringComparison.Ordinal);
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 3);
        Assert.Equal((1, 2), (Workspace.Traces.All.Count, Workspace.Catalog.Traces.Count));

        client.SetDestination(Place);
        Assert.Contains("only a Databricks workspace has", Assert.Throws<ArgumentException>(() => client.SetTrackingUri("http://localhost:5000")).Message, StringComparison.Ordinal);
        Assert.Equal("databricks", client.TrackingUri);

        await using var other = new MlflowClient(new MlflowClientOptions { TrackingUri = "http://localhost:5000", LoggerFactory = Log });
        Assert.Contains("only a Databricks workspace has", Assert.Throws<ArgumentException>(() => other.SetDestination(Place)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetTrace_SpansAreSeenLater_IsLookedForAgain()
    {
        var client = CatalogClient(Place);
        var id = Trace(client);
        Workspace.Catalog.ReadsBeforeVisible = 1;

        var trace = await client.GetTraceAsync(id, Token);

        Assert.Equal((id, 2), (trace.TraceId, trace.Spans.Count));
        Assert.Equal(2, Workspace.To("/api/4.0/mlflow/traces/main.traces/batchGet").Count());
    }

    [Fact]
    public async Task Search_FindsTracesWithTheirSpans()
    {
        var client = CatalogClient(Place);
        var ids = Enumerable.Range(0, 12).Select(_ => Trace(client)).ToHashSet();
        await client.FlushAsync(Token);

        var found = await client.SearchTracesAsync("trace.status = 'OK'", cancellationToken: Token).ToListAsync(Token);

        Assert.Equal(ids, found.Select(t => t.TraceId).ToHashSet());
        Assert.All(found, trace => Assert.Equal(2, trace.Spans.Count));
    }

    [Fact]
    public async Task FeedbackTagsAndRuns_WorkAsInExperiments()
    {
        var client = CatalogClient(Place);
        var id = Trace(client);
        await client.FlushAsync(Token);
        var feedback = await client.LogFeedbackAsync(id, "helpful", true, cancellationToken: Token);
        await client.UpdateFeedbackAsync(id, feedback.AssessmentId!, value: false, name: "useful", cancellationToken: Token);
        var read = await client.GetAssessmentAsync(id, feedback.AssessmentId!, Token);
        Assert.Equal(("useful", false), (read.Name, read.Boolean));
        await client.SetTraceTagAsync(id, "tier/level", "gold", Token);
        Assert.Equal("gold", (await client.GetTraceAsync(id, Token)).Tags["tier/level"]);
        await client.DeleteTraceTagAsync(id, "tier/level", Token);
        await client.DeleteAssessmentAsync(id, feedback.AssessmentId!, Token);
        await client.LinkTracesToRunAsync([id], "run1", Token);
        var trace = await client.SearchTracesAsync(options: new TraceSearchOptions { RunId = "run1" }, cancellationToken: Token).SingleAsync(Token);
        Assert.Empty(trace.Assessments);
        Assert.DoesNotContain("tier/level", trace.Tags.Keys);
    }

    [Fact]
    public async Task Read_WithoutWarehouse_SaysWhatToSet()
    {
        var client = Client(options => options.Databricks.Token = Workspace.Tokens.AddPersonal(), experiment: null);
        client.SetDestination(Place);
        var id = Trace(client);
        var e = await Assert.ThrowsAsync<MlflowException>(() => client.GetTraceAsync(id, Token));
        Assert.Contains("MLFLOW_TRACING_SQL_WAREHOUSE_ID", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Flush_TableIsMissing_TracesWaitUntilItIsCreated()
    {
        Workspace.Catalog.AddSchema("main.fresh");
        var client = CatalogClient("main.fresh");
        Trace(client);
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 0, pending: 1);
        Assert.Contains("CreateTraceLocationAsync(\"main.fresh\")", Assert.Single(Log.Lines), StringComparison.Ordinal);

        var experiment = Workspace.Experiments.Add("/Shared/shown");
        await client.CreateTraceLocationAsync("main.fresh", experiment.Id, Token);
        await client.CreateTraceLocationAsync("main.fresh", cancellationToken: Token);
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        Assert.Equal("main.fresh", experiment.LinkedLocation);
    }

    [Fact]
    public async Task LateSpan_WhileTheWorkspaceIsAway_IsSentByTheNextProgram()
    {
        var first = CatalogClient(Place, SpoolFolder);
        LiveSpan root;
        using (root = first.StartSpan("root"))
        {
        }

        FlushAssert.Counts(await first.FlushAsync(Token), exported: 1);
        await Workspace.GoAwayAsync();
        first.StartSpanNoContext("late", parent: root).End();
        await first.DisposeAsync();
        await Workspace.ComeBackAsync();

        await RecoverAsync(CatalogClient(Place, SpoolFolder), () => Spans(root).Count == 2);
        Assert.Equal(["late", "root"], Spans(root).Select(span => span.Name).Order());
    }

    [Fact]
    public async Task UnfinishedTrace_AtTheEndOfTheProgram_LosesNoSpanThatHasEnded()
    {
        var first = CatalogClient(Place, SpoolFolder);
        await Workspace.GoAwayAsync();
        var root = first.StartSpanNoContext("root");
        for (var i = 0; i < ActiveTrace.MaxHeldSpans; i++)
        {
            first.StartSpanNoContext("step", parent: root).End();
        }

        await first.DisposeAsync();
        await Workspace.ComeBackAsync();

        await RecoverAsync(CatalogClient(Place, SpoolFolder), () => Spans(root).Count == ActiveTrace.MaxHeldSpans);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task LargeTrace_WorkspaceFailsInTheMiddle_NoSpanIsSentTwice(bool endsProgram)
    {
        var requests = 0;
        Workspace.Intercept = (context, request) =>
        {
            // The first one of the large trace is taken, those after it are not.
            if (request.Path != CatalogSpanEndpoints.Path || request.Body.Length < 500_000 || Interlocked.Increment(ref requests) is not (> 1 and < 5))
            {
                return Task.FromResult(false);
            }

            context.Response.StatusCode = 503;
            return Task.FromResult(true);
        };
        var client = CatalogClient(Place, SpoolFolder);
        var text = string.Concat(Enumerable.Repeat("it rains. ", 20_000));
        using (client.StartSpan("root"))
        {
            for (var i = 0; i < 16; i++)
            {
                using var step = client.StartSpan("step");
                step.SetInputs(text);
            }
        }

        if (endsProgram)
        {
            await client.FlushAsync(Token);
            await client.DisposeAsync();
            client = CatalogClient(Place, SpoolFolder);
        }

        await RecoverAsync(client, () => Workspace.Catalog.Traces.Any(trace => Workspace.Catalog.Spans(Place, trace.Id).Count == 17));
        var sent = Workspace.To(CatalogSpanEndpoints.Path).Where(request => request.Status == 200)
            .SelectMany(request => ExportTraceServiceRequest.Parser.ParseFrom(request.Body).ResourceSpans).SelectMany(r => r.ScopeSpans).SelectMany(s => s.Spans)
            .Where(span => span.Name != "another").Select(span => span.SpanId).ToList();
        Assert.Equal(17, sent.Count);
        Assert.Equal(17, sent.Distinct().Count());
    }

    [Fact]
    public async Task QuotaStorm_AndATokenThatEndsInIt_LoseNothingAndSendNoSpanTwice()
    {
        Workspace.Quotas.Limit(QuotaGroup.CreateTraces, 20);
        var requests = 0;
        Workspace.Intercept = (_, request) =>
        {
            if (request.Path == CatalogSpanEndpoints.Path && Interlocked.Increment(ref requests) == 10)
            {
                Workspace.Tokens.ExpireAll();
            }

            return Task.FromResult(false);
        };
        var client = Client(
            options =>
            {
                (options.Databricks.ClientId, options.Databricks.ClientSecret) = Workspace.Tokens.AddServicePrincipal();
                options.ExperimentId = Place;
                options.SpoolDirectory = SpoolFolder;
            },
            experiment: null);
        var roots = Enumerable.Range(0, 40).Select(_ => client.StartSpanNoContext("root")).ToList();
        roots.ForEach(root => root.End());
        var result = await client.FlushAsync(Token);
        while (result.Exported < roots.Count)
        {
            Assert.Equal((0, roots.Count), (result.Dropped, result.Exported + result.Pending + result.Spooled));
            result = await client.FlushAsync(Token);
        }

        Assert.All(roots, root => Assert.Single(Spans(root)));
        Assert.Equal(roots.Count, Workspace.Catalog.Traces.Count);
        Assert.True(Workspace.Quotas.Refused > 0);
        Assert.Equal(roots.Count, Workspace.To(CatalogSpanEndpoints.Path).Count(request => request.Status == 200));
        Assert.Single(Log.Lines);
    }

    [Fact]
    public async Task Delete_InUnityCatalog_SaysHow()
    {
        var e = await Assert.ThrowsAsync<ArgumentException>(() => CatalogClient(Place).DeleteTracesAsync(Place, ["x"], Token));
        Assert.Contains("with SQL", e.Message, StringComparison.Ordinal);
    }

    private IReadOnlyList<Span> Spans(LiveSpan root) => Workspace.Catalog.Spans(Place, root.TraceId[^32..]);

    /// <summary>Another trace makes a program look at what waits.</summary>
    private static async Task RecoverAsync(MlflowClient client, Func<bool> isThere)
    {
        client.StartSpan("another").Dispose();
        do
        {
            Assert.Equal(0, (await client.FlushAsync(Token)).Dropped);
            await Task.Yield();
        }
        while (!isThere());
    }

    private MlflowClient CatalogClient(string place, string? spool = null) => Client(
        options =>
        {
            options.SpoolDirectory = spool ?? "none";
            options.Databricks.Token = Workspace.Tokens.AddPersonal();
            options.Databricks.SqlWarehouseId = Workspace.Catalog.Warehouse;
            options.ExperimentId = place;
        },
        experiment: null);
}
