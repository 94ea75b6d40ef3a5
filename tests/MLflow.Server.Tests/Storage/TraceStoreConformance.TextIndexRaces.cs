using MLflow.Server.Traces;
using Xunit;
using static MLflow.Server.Tests.Storage.SomeTrace;

namespace MLflow.Server.Tests.Storage;

public abstract partial class TraceStoreConformance
{
    [Fact]
    public async Task Index_WhileTracesChangeAndGo_EndsWithWhatIsThere()
    {
        const int Traces = 40;
        const int Versions = 12;
        var ids = Enumerable.Range(0, Traces).Select(_ => NewOtelId()).ToList();
        using var stop = new CancellationTokenSource();
        var indexing = Enumerable.Range(0, 2).Select(_ => Task.Run(
            async () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    await Index.IndexAsync(now: true, Cancellation);
                    await Index.SweepAsync(Cancellation);
                }
            },
            Cancellation)).ToList();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(writer => Task.Run(
            async () =>
            {
                for (var version = 1; version <= Versions; version++)
                {
                    foreach (var id in ids.Where((_, i) => i % 4 == writer))
                    {
                        await Store.WriteAsync(Batch(Span(id, 1, name: $"trace {id[..8]} version {version}.")), Cancellation);
                    }
                }

                await Store.DeleteAsync(new TraceDeletion { ExperimentId = 0, TraceIds = ["tr-" + ids[writer]] }, Cancellation);
            },
            Cancellation)));
        await stop.CancelAsync();
        await Task.WhenAll(indexing);
        await Index.IndexAsync(now: true, Cancellation);
        await SweepAsync();
        await Index.IndexAsync(now: true, Cancellation);

        Assert.Equal(0, await Index.CountWaitingAsync(Cancellation));
        Assert.Empty(await FindAsync($"trace.text LIKE '%version {Versions - 1}.%'"));
        Assert.Equal(Traces - 4, (await FindAsync($"trace.text LIKE '%version {Versions}.%'")).Count);
        foreach (var id in ids)
        {
            Assert.Equal(ids.IndexOf(id) < 4 ? [] : ["tr-" + id], await FindAsync($"trace.text LIKE '%{id[..8]}%'"));
        }
    }

    [Fact]
    public async Task Index_GivenUpOnTheWay_LosesNothing()
    {
        var id = NewOtelId();
        await Store.WriteAsync(Batch(Span(id, 1, name: "never lost")), Cancellation);
        using var stopped = new CancellationTokenSource();
        await stopped.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Index.IndexAsync(now: true, stopped.Token));

        Assert.Equal(1, await Index.CountWaitingAsync(Cancellation));
        Assert.Single(await FindAsync("trace.text LIKE '%never lost%'"));
        Assert.Equal(1, await Index.IndexAsync(now: true, Cancellation));
        Assert.Equal(0, await Index.IndexAsync(now: true, Cancellation));
        Assert.Single(await FindAsync("trace.text LIKE '%never lost%'"));
    }
}
