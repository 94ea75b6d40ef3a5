using System.IO.Compression;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using MLflow.Server.Access;
using MLflow.Server.Access.Guards;
using MLflow.Server.Artifacts;
using MLflow.Server.Assessments;
using MLflow.Server.Blobs;
using MLflow.Server.Otlp;
using MLflow.Server.Otlp.Protos;
using MLflow.Server.Pricing;
using MLflow.Server.Retention;
using MLflow.Server.Storage;
using MLflow.Server.Tests.Blobs;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Retention;
using Xunit;
using static MLflow.Server.Tests.Storage.SomeTrace;

namespace MLflow.Server.Tests.Storage;

/// <summary>What retention must do on every database.</summary>
public abstract class RetentionConformance : IAsyncLifetime
{
    private static readonly RetentionPolicy Month = new(30, RetentionAction.Delete);

    private readonly TemporaryFolder _folder = new();
    private IDatabase _database = null!;
    private FolderBlobs _blobs = null!;
    private SpanBlobs _spanBlobs = null!;

    private protected FakeTimeProvider Clock { get; } = new(DateTimeOffset.FromUnixTimeMilliseconds(StartMs));

    protected static CancellationToken Cancellation => Xunit.TestContext.Current.CancellationToken;

    private ITraceStore Traces => _database.Traces(new CallPricer(PriceTable.Shipped));

    private string BlobFolder => _folder.File("blobs");

    public async ValueTask InitializeAsync()
    {
        _blobs = new FolderBlobs(BlobFolder);
        _spanBlobs = new SpanBlobs(_blobs, 2048, new OtlpArchive());
        _database = await OpenAsync(_spanBlobs);
        await _database.Retention().StartedAsync(Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        if (_database is not null)
        {
            await _database.DisposeAsync();
            await CloseAsync();
        }

        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected abstract Task<IDatabase> OpenAsync(SpanBlobs blobs);

    /// <summary>Makes the database one that has not learned of retention yet.</summary>
    protected abstract Task ForgetRetentionAsync();

    protected abstract Task CloseAsync();

    [Fact]
    public async Task Run_DeletesWhatNobodyHasSpokenOfForSoLong_AndNothingElse()
    {
        var (old, spokenOf, kept, letGo) = (await WriteAsync(), await WriteAsync(), await WriteAsync(), await WriteAsync());
        await Traces.SetTagAsync(kept, RetentionPolicy.KeepTag, "true", Cancellation);
        await Traces.SetTagAsync(letGo, RetentionPolicy.KeepTag, "false", Cancellation);
        Clock.Advance(TimeSpan.FromDays(20));
        var young = await WriteAsync();
        await Traces.WriteAsync(Batch(Span(spokenOf[3..], 2, parent: 1)), Cancellation);
        Clock.Advance(TimeSpan.FromDays(11));

        var outcome = Assert.Single(await RunAsync(Month));

        Assert.Equal(new RetentionOutcome(0, Deleted: 2, Archived: 0, Kept: 0, Failed: 0), outcome);
        Assert.Equal([spokenOf, kept, young], (await Traces.GetInfosAsync([old, spokenOf, kept, letGo, young], Cancellation)).Select(info => info.TraceId));
        Assert.Equal(("server", AuditAction.ExpireTraces, "experiment 0: 30 days", "2"), _database.Access().ListAudit(1).Select(entry => (entry.Actor, entry.Action, entry.Target, entry.Result)).Single());
    }

    [Fact]
    public async Task Run_OnADatabaseThatHasJustLearnedOfRetention_DeletesNothingYet()
    {
        await ForgetRetentionAsync();
        var old = await WriteAsync();
        Clock.Advance(TimeSpan.FromDays(100));

        Assert.Empty(await RunAsync(Month));
        Assert.Single(await Traces.GetInfosAsync([old], Cancellation));
        Clock.Advance(TimeSpan.FromDays(31));

        Assert.Equal(1, Assert.Single(await RunAsync(Month)).Deleted);
    }

    [Fact]
    public async Task Run_GoesByTheExperimentsOwnPolicy()
    {
        var forever = await ExperimentAsync((RetentionPolicy.DaysTag, "forever"));
        var week = await ExperimentAsync((RetentionPolicy.DaysTag, "7"));
        var unclear = await ExperimentAsync((RetentionPolicy.DaysTag, "soon"));
        var (inForever, inWeek, inUnclear, inDefault) = (await WriteAsync(forever), await WriteAsync(week), await WriteAsync(unclear), await WriteAsync());
        Clock.Advance(TimeSpan.FromDays(8));

        await RunAsync(Month);
        Assert.Equal([inForever, inUnclear, inDefault], (await Traces.GetInfosAsync([inForever, inWeek, inUnclear, inDefault], Cancellation)).Select(info => info.TraceId));
        Clock.Advance(TimeSpan.FromDays(1000));
        await RunAsync(Month);

        Assert.Equal([inForever, inUnclear], (await Traces.GetInfosAsync([inForever, inWeek, inUnclear, inDefault], Cancellation)).Select(info => info.TraceId));
    }

    [Fact]
    public async Task Run_ManyTraces_AmongThemKeptOnes_EndsAllOthers()
    {
        var ids = new List<string>();
        for (var i = 0; i < 3 * IRetentionStore.MaxChunk; i++)
        {
            ids.Add(await WriteAsync());
        }

        foreach (var id in ids.Where((_, i) => i % 3 == 0))
        {
            await Traces.SetTagAsync(id, RetentionPolicy.KeepTag, "true", Cancellation);
        }

        Clock.Advance(TimeSpan.FromDays(31));
        var preview = Assert.Single(await Retention(Month).PreviewAsync(_ => true, Cancellation));
        Assert.Equal((400L, 200L), (preview.Deleted, preview.Kept));
        Assert.Equal(600, await Traces.CountAsync(new() { ExperimentIds = [0] }, 1000, Cancellation));

        Assert.Equal(400, Assert.Single(await RunAsync(Month)).Deleted);

        Assert.Equal(200, await Traces.CountAsync(new() { ExperimentIds = [0] }, 1000, Cancellation));
    }

    [Fact]
    public async Task Run_WithoutTheLease_Ends()
    {
        await WriteAsync();
        Clock.Advance(TimeSpan.FromDays(31));

        Assert.Equal(0, Assert.Single(await Retention(Month).RunAsync(_ => true, Actor.Server, () => Task.FromResult(false), Cancellation)).Deleted);

        Assert.Equal(1, await Traces.CountAsync(new() { ExperimentIds = [0] }, 10, Cancellation));
    }

    [Fact]
    public async Task Lease_IsOneServers_UntilItEnds()
    {
        var store = _database.Retention();
        Assert.True(await store.TryLeadAsync("job", "a", TimeSpan.FromMinutes(10), Cancellation));
        Assert.False(await store.TryLeadAsync("job", "b", TimeSpan.FromMinutes(10), Cancellation));
        Assert.True(await store.TryLeadAsync("other", "b", TimeSpan.FromMinutes(10), Cancellation));
        Clock.Advance(TimeSpan.FromMinutes(9));
        Assert.True(await store.TryLeadAsync("job", "a", TimeSpan.FromMinutes(10), Cancellation));
        Clock.Advance(TimeSpan.FromMinutes(9));
        Assert.False(await store.TryLeadAsync("job", "b", TimeSpan.FromMinutes(10), Cancellation));
        Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.True(await store.TryLeadAsync("job", "b", TimeSpan.FromMinutes(10), Cancellation));
        Assert.False(await store.TryLeadAsync("job", "a", TimeSpan.FromMinutes(10), Cancellation));
    }

    [Fact]
    public async Task Delete_BySession_AndByUser_DeletesTheirTracesInAllExperiments()
    {
        var other = await ExperimentAsync();
        var ofSession = new[] { await WriteAsync(0, ("session.id", "\"s-1\"")), await WriteAsync(other, ("session.id", "\"s-1\"")) };
        var ofUser = await WriteAsync(0, ("session.id", "\"s-2\""), ("user.id", "\"s-1\""));
        var kept = await WriteAsync(0, ("session.id", "\"s-1\""));
        await Traces.SetTagAsync(kept, RetentionPolicy.KeepTag, "true", Cancellation);
        var retention = Retention(Month);

        Assert.Equal([new OwnedTraces(0, 2), new OwnedTraces(other, 1)], await retention.DeleteOwnedAsync(new TraceOwner(IsUser: false, "s-1"), _ => true, isDryRun: true, Actor.Server, Cancellation));
        Assert.Equal([new OwnedTraces(other, 1)], await retention.DeleteOwnedAsync(new TraceOwner(IsUser: false, "s-1"), id => id == other, isDryRun: false, Actor.Server, Cancellation));
        Assert.Equal([ofSession[0], ofUser, kept], (await Traces.GetInfosAsync([.. ofSession, ofUser, kept], Cancellation)).Select(info => info.TraceId));
        Assert.Equal([new OwnedTraces(0, 1)], await retention.DeleteOwnedAsync(new TraceOwner(IsUser: true, "s-1"), _ => true, isDryRun: false, Actor.Server, Cancellation));
        Assert.Equal([new OwnedTraces(0, 2)], await retention.DeleteOwnedAsync(new TraceOwner(IsUser: false, "s-1"), _ => true, isDryRun: false, Actor.Server, Cancellation));

        Assert.Empty(await Traces.GetInfosAsync([.. ofSession, ofUser, kept], Cancellation));
        Assert.Contains(_database.Access().ListAudit(10), entry => entry is { Action: AuditAction.DeleteTraces, Target: "experiment 0: user s-1", Result: "1" });
    }

    [Fact]
    public async Task Archive_KeepsTheTrace_AsItWas()
    {
        var id = NewOtelId();
        var root = Span(id, 1, name: "ask 東京", type: "AGENT", durationMs: 500, attributes:
        [
            ("mlflow.spanInputs", """{"q": "東京?"}"""), ("n", "1"), ("d", "1.50"), ("b", "true"), ("null", "null"), ("s", "\"{\\\"not\\\": \\\"an object\\\"}\""), ("picture", LargeTrace.Picture(5000)), ("session.id", "\"s-1\""),
        ]) with
        {
            Events = [new SpanEventRecord("ev", 17, [KeyValuePair.Create("a", "[1, 2.5]"), KeyValuePair.Create("t", "\"{}\"")])],
            Links = [new SpanLinkRecord(new string('b', 32), new string('c', 16), [KeyValuePair.Create("k", "\"v\"")])],
            Resource = [KeyValuePair.Create("service.name", "\"app\"")],
            ScopeName = "scope",
            ScopeVersion = "1",
            ScopeAttributes = [KeyValuePair.Create("sk", "\"sv\"")],
            SchemaUrl = "https://example.org/1",
            Kind = "CLIENT",
            TraceState = "a=b",
        };
        var child = Span(id, 2, parent: 1, name: "call", type: "CHAT_MODEL", status: SpanStatus.Error, startMs: 10) with { StatusMessage = "boom" };
        await Traces.WriteAsync(Batch(root, child), Cancellation);
        await Traces.SetTagAsync(root.TraceId, "tier", "gold", Cancellation);
        await _database.Assessments().CreateAsync(SomeAssessment(root.TraceId), Cancellation);
        var before = Assert.Single(await Traces.GetInfosAsync([root.TraceId], Cancellation));
        Clock.Advance(TimeSpan.FromDays(31));

        Assert.Equal(1, Assert.Single(await RunAsync(Month with { Action = RetentionAction.Archive })).Archived);
        Assert.DoesNotContain(await RunAsync(Month with { Action = RetentionAction.Archive }), outcome => outcome.Archived > 0);

        Assert.Equivalent(new[] { root, child }, await Traces.GetSpansAsync(root.TraceId, Cancellation), strict: true);
        var after = Assert.Single(await Traces.GetInfosAsync([root.TraceId], Cancellation));
        Assert.Equal("true", after.Metadata["mlflow.trace.archived"]);
        Assert.Equivalent(before with { Metadata = after.Metadata }, after, strict: true);
        foreach (var filter in (string[])["tags.tier = 'gold'", "span.name = 'call'", "metadata.`mlflow.trace.session` = 's-1'", "feedback.helpful = 'true'"])
        {
            Assert.Equal(root.TraceId, Assert.Single((await Traces.SearchAsync(new() { ExperimentIds = [0], Filter = filter }, Cancellation)).Traces).TraceId);
        }

        // What was in the blob store before is nobody's any more, and the archive is OTLP.
        Clock.Advance(BlobSweep.Grace + TimeSpan.FromSeconds(1));
        await new BlobSweep(_database.Blobs(), _blobs, Clock).RunAsync(Cancellation);
        using var gzip = new GZipStream(File.OpenRead(Assert.Single(Files())), CompressionMode.Decompress);
        Assert.Equal(["ask 東京", "call"], ExportTraceServiceRequest.Parser.ParseFrom(gzip).ResourceSpans.SelectMany(r => r.ScopeSpans).SelectMany(s => s.Spans).Select(span => span.Name));
        Assert.Equivalent(new[] { root, child }, await Traces.GetSpansAsync(root.TraceId, Cancellation), strict: true);
    }

    [Fact]
    public async Task Run_OfIndexedAndCountedTraces_TakesThemOutOfSearchesAndFigures()
    {
        var (index, rollups) = (_database.TextIndex(), _database.Rollups());
        var query = new TraceQuery { ExperimentIds = [0], Filter = "trace.text LIKE '%needle%'" };
        await WriteAsync(0, ("k", "\"a needle\""));
        var kept = await WriteAsync(0, ("mlflow.spanInputs", "\"another needle\""));
        await Traces.SetTagAsync(kept, RetentionPolicy.KeepTag, "true", Cancellation);
        await index.IndexAsync(now: true, Cancellation);
        while (await rollups.RollUpAsync(now: true, Cancellation) > 0)
        {
        }

        Assert.Equal(2, await Traces.CountAsync(query, 10, Cancellation));
        Clock.Advance(TimeSpan.FromDays(31));
        await RunAsync(Month);
        Assert.Equal(1, await rollups.CountWaitingAsync(Cancellation));
        Assert.Equal(1, await Traces.CountAsync(query, 10, Cancellation));

        // Of an archived trace, the previews are found, also when it is indexed once more.
        await Traces.SetTagAsync(kept, RetentionPolicy.KeepTag, "false", Cancellation);
        Clock.Advance(TimeSpan.FromDays(31));
        Assert.Equal(1, Assert.Single(await RunAsync(Month with { Action = RetentionAction.Archive })).Archived);
        Assert.Equal(1, await Traces.CountAsync(query, 10, Cancellation));
        await Traces.WriteAsync(Batch(Span(kept[3..], 2, parent: 1, name: "late")), Cancellation);
        await index.IndexAsync(now: true, Cancellation);

        Assert.Equal(1, await Traces.CountAsync(query, 10, Cancellation));
        Assert.Equal(0, await Traces.CountAsync(query with { Filter = "span.content LIKE '%needle%'" }, 10, Cancellation));
        (index as IDisposable)?.Dispose();
    }

    [Fact]
    public async Task Archive_TakesLateSpans_AndGoesWithItsTrace()
    {
        var traceId = await WriteAsync();
        Clock.Advance(TimeSpan.FromDays(31));
        await RunAsync(Month with { Action = RetentionAction.Archive });

        await Traces.WriteAsync(Batch(Span(traceId[3..], 2, parent: 1, name: "late", attributes: ("k", "2"))), Cancellation);
        Assert.Equal([("span", "1"), ("late", "2")], (await Traces.GetSpansAsync(traceId, Cancellation)).Select(span => (span.Name, span["k"])));

        Clock.Advance(TimeSpan.FromDays(31));
        Assert.Equal(1, Assert.Single(await RunAsync(Month)).Deleted);
        await new BlobSweep(_database.Blobs(), _blobs, Clock).RunAsync(Cancellation);
        Assert.Empty(Files());
    }

    [Fact]
    public async Task Archive_OfATraceThatWasWrittenToMeanwhile_ChangesNothing()
    {
        var traceId = await WriteAsync();
        Clock.Advance(TimeSpan.FromDays(31));
        var store = _database.Retention();
        var before = Clock.GetUtcNow().ToUnixTimeMilliseconds() - 1;
        var found = Assert.Single(await store.FindExpiredAsync(0, before, withArchived: false, null, 10, Cancellation));
        var names = await _spanBlobs.PutAsync(_database.Blobs(), [(BlobName.HashOf([1]), [1])], Cancellation);

        Assert.False(await store.ArchiveAsync(0, before, found with { SeenMs = found.SeenMs - 1 }, names.Values.Single(), Cancellation));
        await Traces.SetTagAsync(traceId, RetentionPolicy.KeepTag, "true", Cancellation);
        Assert.False(await store.ArchiveAsync(0, before, found, names.Values.Single(), Cancellation));
        Assert.Empty(await store.DeleteExpiredAsync(0, before, [traceId], Cancellation));

        Assert.Equal("1", Assert.Single(await Traces.GetSpansAsync(traceId, Cancellation))["k"]);
    }

    [Fact]
    public async Task Archive_OfATraceWhoseMediaCannotBeHad_LeavesWhatIsThere()
    {
        var traceId = await WriteAsync(0, ("mlflow.spanInputs", LargeTrace.Picture(5000)));
        Files().ForEach(File.Delete);
        Clock.Advance(TimeSpan.FromDays(31));

        Assert.Equal((0L, 1L), (await RunAsync(Month with { Action = RetentionAction.Archive })).Select(outcome => (outcome.Archived, outcome.Failed)).Single());

        Assert.False(Assert.Single(await Traces.GetInfosAsync([traceId], Cancellation)).Metadata.ContainsKey("mlflow.trace.archived"));
    }

    [Fact]
    public async Task Archive_ThatIsLost_IsToldByEachSpan()
    {
        var traceId = await WriteAsync();
        Clock.Advance(TimeSpan.FromDays(31));
        await RunAsync(Month with { Action = RetentionAction.Archive });
        Files().ForEach(File.Delete);

        var span = Assert.Single(await Traces.GetSpansAsync(traceId, Cancellation));

        Assert.Equal("span", span.Name);
        Assert.Equal("\"The content of this span cannot be shown: it is not in the blob store any more.\"", span[SpanBlobs.LostAttribute]);
    }

    [Fact]
    public async Task Run_BesideIngest_EndsTheOldAndKeepsTheNew()
    {
        // eng/long/retention.sh does it with many.
        var old = int.TryParse(Environment.GetEnvironmentVariable("MLFLOW_TEST_EXPIRED_TRACES"), out var many) ? many : 5000;
        var text = $"\"{new string('x', 500)}\"";
        foreach (var chunk in Enumerable.Range(0, old).Chunk(500))
        {
            await Traces.WriteAsync(Batch([.. chunk.SelectMany(i =>
            {
                var id = NewOtelId();
                return Enumerable.Range(1, 3).Select(span => Span(id, span, parent: span == 1 ? null : 1, attributes: [("k", text), ("i", $"{i}")]));
            })]), Cancellation);
        }

        Clock.Advance(TimeSpan.FromDays(31));
        var began = TimeProvider.System.GetTimestamp();
        var retention = RunAsync(Month);
        var waits = new List<TimeSpan>();
        do
        {
            var start = TimeProvider.System.GetTimestamp();
            await WriteAsync();
            waits.Add(TimeProvider.System.GetElapsedTime(start));
        }
        while (!retention.IsCompleted);

        Assert.Equal(old, Assert.Single(await retention).Deleted);
        var took = TimeProvider.System.GetElapsedTime(began);
        waits.Sort();
        Xunit.TestContext.Current.TestOutputHelper?.WriteLine(
            FormattableString.Invariant($"expired {old} in {took.TotalSeconds:0.0} s; meanwhile {waits.Count} requests, one after the other: median {waits[waits.Count / 2].TotalMilliseconds:0.0} ms, 99 % {waits[waits.Count * 99 / 100].TotalMilliseconds:0.0} ms, slowest {waits[^1].TotalMilliseconds:0.0} ms"));
        Assert.Equal(waits.Count, await Traces.CountAsync(new() { ExperimentIds = [0] }, int.MaxValue, Cancellation));

        // It was not held up until the end.
        Assert.InRange(waits.Count, 2, int.MaxValue);
    }

    private static AssessmentRecord SomeAssessment(string traceId) => new()
    {
        AssessmentId = "a-1",
        TraceId = traceId,
        Name = "helpful",
        Type = AssessmentType.Feedback,
        Value = "true",
        SourceType = "HUMAN",
        CreateTimeMs = StartMs,
        LastUpdateTimeMs = StartMs,
    };

    private Task<IReadOnlyList<RetentionOutcome>> RunAsync(RetentionPolicy policy) => Retention(policy).RunAsync(_ => true, Actor.Server, () => Task.FromResult(true), Cancellation);

    private protected TraceRetention Retention(RetentionPolicy policy) => new(
        new UnguardedStores(Traces, _database.Analysis(), _database.Experiments(), _database.Runs(), _database.Assessments(), _database.Views()),
        _database.Retention(),
        _database.Blobs(),
        _spanBlobs,
        new TraceFiles(new ArtifactFolder(_folder.File("artifacts")), NullLogger<TraceFiles>.Instance),
        new AuditLog(_database.Access(), Clock),
        policy,
        Clock,
        NullLogger<TraceRetention>.Instance);

    private protected async Task<long> ExperimentAsync(params (string Key, string Value)[] tags) =>
        (await _database.Experiments().CreateAsync(Guid.NewGuid().ToString(), null, tags.ToDictionary(tag => tag.Key, tag => tag.Value), Cancellation)).ExperimentId;

    private protected async Task<string> WriteAsync(long experimentId = 0, params (string Key, string Json)[] attributes)
    {
        var span = Span(NewOtelId(), 1, attributes: attributes.Length == 0 ? [("k", "1")] : attributes);
        await Traces.WriteAsync(new TraceBatch { Spans = [span], ExperimentId = experimentId }, Cancellation);
        return span.TraceId;
    }

    private List<string> Files() => Directory.Exists(BlobFolder) ? [.. Directory.GetFiles(BlobFolder, "*", SearchOption.AllDirectories)] : [];
}
