using System.Text;
using MLflow.Server.Storage.Postgres;
using MLflow.Server.Traces;
using Xunit;
using static MLflow.Server.Tests.Storage.SomeTrace;

namespace MLflow.Server.Tests.Storage.Postgres;

/// <summary>What one server stores is told to the others.</summary>
public sealed class PostgresChangeFeedTests(PostgresCluster cluster)
{
    private const string ListeningSql = "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";

    private static CancellationToken Cancellation => Xunit.TestContext.Current.CancellationToken;

    [Fact]
    public async Task Stored_ByOneServer_IsToldToTheOtherAndTellsOnlyThoseWhomItConcerns()
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);
        await using var first = await PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Cancellation);
        await using var second = await PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Cancellation);
        await ListenAsync(uri, 2);
        var id = NewOtelId();
        using var experiment = Watch(second, change => change.MayConcern(0));
        using var trace = Watch(second, change => change.MayConcern("tr-" + id));
        using var other = Watch(second, change => change.MayConcern(1) || change.MayConcern("tr-other"));
        using var own = Watch(first, change => change.MayConcern(0));

        await new PostgresTraceStore(first).WriteAsync(Batch(Span(id, 1)), Cancellation);

        await Task.WhenAll(experiment.WaitAsync(Cancellation), trace.WaitAsync(Cancellation), own.WaitAsync(Cancellation));
        Assert.False(other.WaitAsync(Cancellation).IsCompleted);
        Assert.Single(await new PostgresTraceStore(second).GetSpansAsync("tr-" + id, Cancellation));
    }

    [Fact]
    public async Task Connection_Breaks_IsMadeAgainAndWhoWaitsLooks()
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);
        await using var first = await PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Cancellation);
        await using var second = await PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Cancellation);
        await ListenAsync(uri, 2);
        using var watch = second.Changes.Watch(change => change == TraceChange.Any);

        await PostgresCluster.ScalarAsync(uri, $"SELECT COUNT(pg_terminate_backend(pid)) {ListeningSql}");

        await watch.WaitAsync(Cancellation);
        await ListenAsync(uri, 2);
        using var again = Watch(second, change => change.MayConcern(0));
        await new PostgresTraceStore(first).WriteAsync(Batch(Span(NewOtelId(), 1)), Cancellation);
        await again.WaitAsync(Cancellation);
    }

    [Fact]
    public async Task Stored_MoreThanANotificationHolds_IsToldAsAnyTrace()
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);
        await using var first = await PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Cancellation);
        await using var second = await PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Cancellation);
        await ListenAsync(uri, 2);
        var ids = Enumerable.Range(0, 2000).Select(_ => NewOtelId()).ToList();
        using var watch = Watch(second, change => change.MayConcern("tr-" + ids[^1]) && !change.MayConcern(1));

        await new PostgresTraceStore(first).WriteAsync(Batch([.. ids.Select(id => Span(id, 1))]), Cancellation);

        await watch.WaitAsync(Cancellation);
    }

    [Fact]
    public void Text_OfAnyChange_IsReadAsItIsAndStaysBelowTheLimit()
    {
        var change = new TraceChange(Enumerable.Range(0, PostgresChangeText.MaxExperiments).Select(i => long.MaxValue - i).ToHashSet(), Enumerable.Range(0, PostgresChangeText.MaxTraces).Select(i => uint.MaxValue - (uint)i).ToHashSet());
        var sender = Guid.NewGuid().ToString("N");

        var text = PostgresChangeText.Write(sender, change);

        Assert.InRange(Encoding.UTF8.GetByteCount(text), 1, 7999);
        var read = PostgresChangeText.Read(text, "other")!;
        Assert.Equal(change.Experiments!.Order(), read.Experiments!.Order());
        Assert.Equal(change.Traces!.Order(), read.Traces!.Order());
        Assert.Null(PostgresChangeText.Read(text, sender));
        Assert.Null(PostgresChangeText.Read("something else", sender));
        Assert.Equal(TraceChange.Any, PostgresChangeText.Read(PostgresChangeText.Write(sender, TraceChange.Any), "other"));
        Assert.Empty(PostgresChangeText.Read("a  ", "other")!.Experiments!);
    }

    [Fact]
    public async Task Watch_OfManyChanges_HearsOnceUntilItLooks()
    {
        var changes = new TraceChanges();
        using var watch = changes.Watch(_ => true);
        changes.Pass(TraceChange.Any);
        changes.Tell(Batch(Span(NewOtelId(), 1)));

        await watch.WaitAsync(Cancellation);

        var next = watch.WaitAsync(Cancellation);
        Assert.False(next.IsCompleted);
        changes.Pass(TraceChange.Any);
        await next;
    }

    /// <summary>Returns when so many servers listen.</summary>
    private static async Task ListenAsync(string uri, long servers)
    {
        while (await PostgresCluster.ScalarAsync(uri, $"SELECT COUNT(*) {ListeningSql} AND state = 'idle'") is not long count || count != servers)
        {
            // They are connecting.
        }
    }

    /// <summary>Waits for changes that come from now on: whoever has just begun to listen is told to look.</summary>
    private static TraceWatch Watch(PostgresDatabase database, Predicate<TraceChange> concerns) => database.Changes.Watch(change => change != TraceChange.Any && concerns(change));
}
