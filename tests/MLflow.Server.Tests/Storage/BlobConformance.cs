using Microsoft.Extensions.Time.Testing;
using MLflow.Server.Blobs;
using MLflow.Server.Pricing;
using MLflow.Server.Storage;
using MLflow.Server.Tests.Blobs;
using MLflow.Server.Traces;
using Xunit;
using static MLflow.Server.Tests.Storage.SomeTrace;

namespace MLflow.Server.Tests.Storage;

/// <summary>What every database must do with contents in the blob store.</summary>
public abstract class BlobConformance : IAsyncLifetime
{
    private const int FromBytes = 2048;

    private readonly TemporaryFolder _folder = new();
    private IDatabase _database = null!;
    private ITraceStore _traces = null!;
    private IBlobLedger _ledger = null!;
    private FolderBlobs _blobs = null!;
    private BlobSweep _sweep = null!;

    /// <summary>The store's clock.</summary>
    private protected FakeTimeProvider Clock { get; } = new(DateTimeOffset.FromUnixTimeMilliseconds(StartMs));

    protected static CancellationToken Cancellation => Xunit.TestContext.Current.CancellationToken;

    private string BlobFolder => _folder.File("blobs");

    public async ValueTask InitializeAsync()
    {
        _blobs = new FolderBlobs(BlobFolder);
        _database = await OpenAsync(new SpanBlobs(_blobs, FromBytes));
        (_traces, _ledger) = (_database.Traces(new CallPricer(PriceTable.Shipped)), _database.Blobs());
        _sweep = new BlobSweep(_ledger, _blobs, Clock);
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected abstract Task<IDatabase> OpenAsync(SpanBlobs blobs);

    protected abstract Task CloseAsync();

    [Fact]
    public async Task Write_ALargeText_IsKeptInTheBlobStore_AndReadBackAsItWas()
    {
        var id = NewOtelId();
        var span = Span(id, 1, attributes: [("mlflow.spanInputs", $"\"{Noise(20_000)}\""), ("k", "1")]);

        await _traces.WriteAsync(Batch(span), Cancellation);

        Assert.Single(Files());
        Assert.Equivalent(span, Assert.Single(await _traces.GetSpansAsync(span.TraceId, Cancellation)), strict: true);
    }

    [Fact]
    public async Task Write_TheSamePictureInManySpans_IsKeptOnce()
    {
        var (first, second) = (NewOtelId(), NewOtelId());
        var picture = LargeTrace.Picture(5000);
        var spans = new[]
        {
            Span(first, 1, attributes: ("mlflow.spanInputs", picture)),
            Span(first, 2, parent: 1, attributes: ("mlflow.spanOutputs", picture)),
            Span(second, 1, attributes: ("anything", picture)),
        };

        await _traces.WriteAsync(Batch(spans[0], spans[1]), Cancellation);
        await _traces.WriteAsync(Batch(spans[2]), Cancellation);

        Assert.Single(Files());
        Assert.Equivalent(spans[..2], await _traces.GetSpansAsync("tr-" + first, Cancellation), strict: true);
        Assert.Equal(picture, Assert.Single(await _traces.GetSpansAsync("tr-" + second, Cancellation))["anything"]);
    }

    [Fact]
    public async Task Search_FindsTextThatLiesInTheBlobStore()
    {
        var id = NewOtelId();
        await _traces.WriteAsync(Batch(Span(id, 1, attributes: [("k", $"\"needle {Noise(20_000)}\""), ("p", $"\"haystack\"")])), Cancellation);
        Assert.NotEmpty(Files());

        Assert.Equal("tr-" + id, Assert.Single((await _traces.SearchAsync(new() { ExperimentIds = [0], Filter = "trace.text LIKE '%needle%'" }, Cancellation)).Traces).TraceId);
        Assert.Single((await _traces.SearchAsync(new() { ExperimentIds = [0], Filter = "span.attributes.p = 'haystack'" }, Cancellation)).Traces);
    }

    [Fact]
    public async Task Write_PicturesAmongSpansThatShareTheirContent_AllStayAsTheyAre()
    {
        var id = NewOtelId();
        var text = $"\"{string.Join(' ', Enumerable.Range(0, 150))}\"";
        var spans = Enumerable.Range(1, 6).Select(i => Span(id, i, parent: i == 1 ? null : 1, startMs: i, attributes: i % 3 == 0 ? [("p", LargeTrace.Picture(5000 + i))] : [("k", text), ("i", $"{i}")])).ToArray();
        await _traces.WriteAsync(Batch(spans), Cancellation);
        Assert.Equal(2, Files().Count);
        Assert.Equivalent(spans, await _traces.GetSpansAsync("tr-" + id, Cancellation), strict: true);

        // The owner of the frame gets a picture, a picture is replaced by text, and one that runs comes late.
        spans[0] = spans[0] with { Attributes = [new("p", LargeTrace.Picture(6000))] };
        spans[2] = spans[2] with { Attributes = [new("k", text)] };
        await _traces.WriteAsync(Batch(spans[0], spans[2], spans[3] with { EndNs = null, Attributes = [new("late", "1")] }), Cancellation);

        Assert.Equivalent(spans, await _traces.GetSpansAsync("tr-" + id, Cancellation), strict: true);
        Assert.Equal(3, Files().Count);
        Clock.Advance(BlobSweep.Grace + TimeSpan.FromSeconds(1));
        await _sweep.RunAsync(Cancellation);
        Assert.Equal(2, Files().Count);
        Assert.Equivalent(spans, await _traces.GetSpansAsync("tr-" + id, Cancellation), strict: true);
    }

    [Fact]
    public async Task Search_Indexed_FindsTextThatLiesInTheBlobStore()
    {
        var id = NewOtelId();
        await _traces.WriteAsync(Batch(Span(id, 1, attributes: [("k", $"\"needle {Noise(20_000)}\""), ("p", "\"haystack\"")])), Cancellation);
        await _traces.WriteAsync(Batch(Span(NewOtelId(), 1, attributes: [("k", "\"of another\"")])), Cancellation);
        var index = _database.TextIndex();
        var (file, aside) = (Assert.Single(Files()), _folder.File("aside"));
        File.Move(file, aside);

        // What can be had later is waited for.
        Directory.CreateDirectory(file);
        Assert.Equal(ErrorCode.TEMPORARILY_UNAVAILABLE, (await Assert.ThrowsAsync<MlflowException>(() => index.IndexAsync(now: true, Cancellation))).ErrorCode);
        Assert.Equal(2, await index.CountWaitingAsync(Cancellation));
        Directory.Delete(file);
        File.Move(aside, file);
        Assert.Equal(2, await index.IndexAsync(now: true, Cancellation));

        foreach (var filter in (string[])["trace.text LIKE '%needle%'", "span.attributes.p = 'haystack'", "span.content LIKE '%needle%'"])
        {
            Assert.Equal(["tr-" + id], (await _traces.SearchAsync(new() { ExperimentIds = [0], Filter = filter }, Cancellation)).Traces.Select(trace => trace.TraceId));
        }

        (index as IDisposable)?.Dispose();
    }

    [Fact]
    public async Task Read_WhereABlobIsLost_SaysSoInItsPlace()
    {
        var id = NewOtelId();
        await _traces.WriteAsync(
            Batch(Span(id, 1, name: "picture", attributes: [("mlflow.spanInputs", LargeTrace.Picture(5000)), ("k", "1")]), Span(id, 2, parent: 1, name: "text", attributes: ("k", $"\"{Noise(20_000)}\""))),
            Cancellation);
        foreach (var file in Files())
        {
            File.Delete(file);
        }

        var spans = await _traces.GetSpansAsync("tr-" + id, Cancellation);

        Assert.Contains("data:image/png;base64,(This content cannot be shown: it is not in the blob store any more (blob ", spans[0]["mlflow.spanInputs"], StringComparison.Ordinal);
        Assert.Equal("1", spans[0]["k"]);
        Assert.StartsWith("\"The content of this span cannot be shown: it is not in the blob store any more", spans[1][SpanBlobs.LostAttribute], StringComparison.Ordinal);
        Assert.Equal("text", spans[1].Name);
    }

    [Fact]
    public async Task Write_MediaBehindAnEscape_IsReadBack_AlsoWhereItIsLost()
    {
        var id = NewOtelId();
        var span = Span(id, 1, attributes: [("k", $"\"\\n{new string('A', 3000)}{Guid.NewGuid():N}\""), ("u", $"\"\\u00e9{new string('B', 3000)}\""), ("n", new string('1', 3000))]);
        await _traces.WriteAsync(Batch(span), Cancellation);
        Assert.Equal(span.Attributes, Assert.Single(await _traces.GetSpansAsync(span.TraceId, Cancellation)).Attributes);
        Files().ForEach(File.Delete);

        var lost = Assert.Single(await _traces.GetSpansAsync(span.TraceId, Cancellation));

        Assert.Equal(span["n"], lost["n"]);
        Assert.All(lost.Attributes, attribute => System.Text.Json.JsonDocument.Parse(attribute.Value).Dispose());
    }

    [Fact]
    public async Task Read_WhereABlobIsDamaged_SaysSoInItsPlace()
    {
        var id = NewOtelId();
        await _traces.WriteAsync(Batch(Span(id, 1, attributes: ("k", $"\"{Noise(20_000)}\""))), Cancellation);
        await File.WriteAllBytesAsync(Assert.Single(Files()), [1, 2, 3], Cancellation);

        var span = Assert.Single(await _traces.GetSpansAsync("tr-" + id, Cancellation));

        Assert.Contains("what the blob store has of it is damaged", span[SpanBlobs.LostAttribute], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Logs_OfASpanWhoseBlobIsLost_AreKept_AndTheSpanIsNotWrittenOver()
    {
        var id = NewOtelId();
        var span = Span(id, 1, attributes: ("k", $"\"{Noise(20_000)}\""));
        await _traces.WriteAsync(Batch(span), Cancellation);
        var (file, content) = (Files()[0], await File.ReadAllBytesAsync(Files()[0], Cancellation));
        File.Delete(file);
        await _traces.WriteLogsAsync([new SpanLogRecord(id, span.SpanId, new SpanEventRecord("gen_ai.choice", 5, []))], Cancellation);
        await File.WriteAllBytesAsync(file, content, Cancellation);

        var read = Assert.Single(await _traces.GetSpansAsync(span.TraceId, Cancellation));

        Assert.Equal(span["k"], read["k"]);
        Assert.Equal("gen_ai.choice", Assert.Single(read.Events).Name);
    }

    [Fact]
    public async Task Sweep_DeletesWhatNobodyRefersTo_AfterTheGracePeriod()
    {
        var (kept, replaced, deleted) = (NewOtelId(), NewOtelId(), NewOtelId());
        foreach (var id in (string[])[kept, replaced, deleted])
        {
            await _traces.WriteAsync(Batch(Span(id, 1, attributes: ("k", $"\"{Noise(20_000)}\""))), Cancellation);
        }

        await _traces.WriteAsync(Batch(Span(replaced, 1, attributes: ("k", "1"))), Cancellation);
        await _traces.DeleteAsync(new() { ExperimentId = 0, TraceIds = ["tr-" + deleted] }, Cancellation);
        await _sweep.RunAsync(Cancellation);
        Assert.Equal(3, Files().Count);

        Clock.Advance(BlobSweep.Grace + TimeSpan.FromSeconds(1));
        await _sweep.RunAsync(Cancellation);

        Assert.Single(Files());
        Assert.Null(Assert.Single(await _traces.GetSpansAsync("tr-" + kept, Cancellation))[SpanBlobs.LostAttribute]);
    }

    [Fact]
    public async Task Condemn_AfterSomebodyAskedForItAgain_DeletesNothing()
    {
        var span = Span(NewOtelId(), 1, attributes: ("k", $"\"{Noise(20_000)}\""));
        await _traces.WriteAsync(Batch(span), Cancellation);
        await _traces.DeleteAsync(new() { ExperimentId = 0, TraceIds = [span.TraceId] }, Cancellation);
        Clock.Advance(BlobSweep.Grace + TimeSpan.FromSeconds(1));
        var before = Clock.GetUtcNow().ToUnixTimeMilliseconds() - (long)BlobSweep.Grace.TotalMilliseconds;
        var (found, _) = await _ledger.FindOrphansAsync("", before, 10, Cancellation);
        Assert.Single(found);

        // Written again after the sweep has looked and before it deletes.
        await _traces.WriteAsync(Batch(span), Cancellation);
        await _ledger.CondemnAsync(found, before, Cancellation);
        await _sweep.RunAsync(Cancellation);

        Assert.Equal(span["k"], Assert.Single(await _traces.GetSpansAsync(span.TraceId, Cancellation))["k"]);
    }

    [Fact]
    public async Task Write_WhatIsBeingDeleted_IsStoredUnderAnotherName()
    {
        var span = Span(NewOtelId(), 1, attributes: ("k", $"\"{Noise(20_000)}\""));
        await _traces.WriteAsync(Batch(span), Cancellation);
        await _traces.DeleteAsync(new() { ExperimentId = 0, TraceIds = [span.TraceId] }, Cancellation);
        Clock.Advance(BlobSweep.Grace + TimeSpan.FromSeconds(1));
        var before = Clock.GetUtcNow().ToUnixTimeMilliseconds() - 1;
        await _ledger.CondemnAsync((await _ledger.FindOrphansAsync("", before, 10, Cancellation)).Names, before, Cancellation);

        // Condemned, and not deleted yet.
        await _traces.WriteAsync(Batch(span), Cancellation);
        Assert.Equal(2, Files().Count);
        await _sweep.RunAsync(Cancellation);

        Assert.Single(Files());
        Assert.Equal(span["k"], Assert.Single(await _traces.GetSpansAsync(span.TraceId, Cancellation))["k"]);
    }

    [Fact]
    public async Task Sweep_BesideWriters_LosesNothing()
    {
        var contents = Enumerable.Range(0, 4).Select(_ => Noise(20_000)).ToArray();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var sweeping = Task.Run(
            async () =>
            {
                while (!end.IsCancellationRequested)
                {
                    // Without any grace, so that only the second look protects what is being written.
                    await new BlobSweep(_ledger, _blobs, Clock, TimeSpan.FromMilliseconds(-1)).RunAsync(Cancellation);
                }
            },
            Cancellation);
        var written = new List<string>();
        for (var round = 0; round < 40; round++)
        {
            var spans = contents.Select(content => Span(NewOtelId(), 1, attributes: ("k", $"\"{content}\""))).ToList();
            foreach (var span in spans)
            {
                for (var isDone = false; !isDone;)
                {
                    try
                    {
                        await _traces.WriteAsync(Batch(span), Cancellation);
                        isDone = true;
                    }
                    catch (MlflowException e) when (e.ErrorCode == ErrorCode.TEMPORARILY_UNAVAILABLE)
                    {
                        // Sent again, as clients do.
                    }
                }
            }

            // Half of the rounds leave nothing behind, so that there is something to sweep.
            if (round % 2 == 0)
            {
                await _traces.DeleteAsync(new() { ExperimentId = 0, TraceIds = [.. spans.Select(span => span.TraceId)] }, Cancellation);
            }
            else
            {
                written.AddRange(spans.Select(span => span.TraceId));
            }
        }

        await end.CancelAsync();
        await sweeping;
        foreach (var traceId in written)
        {
            Assert.Null(Assert.Single(await _traces.GetSpansAsync(traceId, Cancellation))[SpanBlobs.LostAttribute]);
        }
    }

    private List<string> Files() => Directory.Exists(BlobFolder) ? [.. Directory.GetFiles(BlobFolder, "*", SearchOption.AllDirectories)] : [];

    /// <summary>Text that does not get shorter, and has no long run of Base64.</summary>
    private static string Noise(int length) => new([.. Enumerable.Range(0, length).Select(i => i % 60 == 59 ? ' ' : (char)('!' + Random.Shared.Next(2, 90))).Select(c => c is '"' or '\\' ? '.' : c)]);
}
