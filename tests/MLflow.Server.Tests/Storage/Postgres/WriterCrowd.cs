using System.Collections.Concurrent;
using MLflow.Server.Storage.Postgres;
using Xunit;
using static MLflow.Server.Tests.Storage.SomeTrace;

namespace MLflow.Server.Tests.Storage.Postgres;

/// <summary>Many who write while something happens to the database; afterwards all that was acknowledged has to be there, and nothing half.</summary>
internal static class WriterCrowd
{
    private const int Writers = 8;

    /// <param name="database">Where they write.</param>
    /// <param name="happens">What happens; gets what waits until so many traces more are acknowledged.</param>
    public static async Task RunAsync(PostgresDatabase database, Func<Func<int, Task>, Task> happens)
    {
        var store = new PostgresTraceStore(database);
        var acknowledged = new ConcurrentBag<string>();
        using var stop = new CancellationTokenSource();
        using var progress = new SemaphoreSlim(0);
        var writers = Enumerable.Range(0, Writers).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                var id = NewOtelId();
                try
                {
                    await store.WriteAsync(Batch(Span(id, 1), Span(id, 2, parent: 1), Span(id, 3, parent: 1)), CancellationToken.None);
                }
                catch (MlflowException e) when (e.ErrorCode == ErrorCode.TEMPORARILY_UNAVAILABLE)
                {
                    continue;
                }

                acknowledged.Add("tr-" + id);
                progress.Release();
            }
        })).ToList();
        await happens(async traces =>
        {
            for (var i = 0; i < traces; i++)
            {
                await progress.WaitAsync(TestContext.Current.CancellationToken);
            }
        });
        await stop.CancelAsync();
        await Task.WhenAll(writers);

        var stored = new HashSet<string>();
        foreach (var chunk in acknowledged.Chunk(500))
        {
            var infos = await store.GetInfosAsync(chunk, TestContext.Current.CancellationToken);
            Assert.All(infos, info => Assert.Equal(3, info.Facts.SpanCount));
            stored.UnionWith(infos.Select(info => info.TraceId));
        }

        Assert.Equal(acknowledged.Count, stored.Count);
    }
}
