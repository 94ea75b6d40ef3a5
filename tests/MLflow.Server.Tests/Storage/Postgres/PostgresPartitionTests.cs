using Microsoft.Extensions.Time.Testing;
using MLflow.Server.Storage.Postgres;
using MLflow.Server.Traces.Retention;
using Npgsql;
using Xunit;
using static MLflow.Server.Tests.Storage.SomeTrace;

namespace MLflow.Server.Tests.Storage.Postgres;

/// <summary>Spans in the partition of the day on which their trace expires: made ahead, found late, dropped whole.</summary>
public sealed class PostgresPartitionTests(PostgresCluster cluster)
{
    private const int Short = 2;
    private const int Long = 30;

    private static readonly DateTimeOffset Start = new(2026, 11, 27, 15, 0, 0, TimeSpan.Zero);

    private readonly FakeTimeProvider _clock = new(Start);

    private static CancellationToken Cancellation => Xunit.TestContext.Current.CancellationToken;

    [Fact]
    public void Bucket_OfATrace_IsTheDayOnWhichItExpires()
    {
        Assert.Equal(new DateOnly(2026, 12, 27), TraceBucket.For(Start, 30));
        Assert.False(TraceBucket.IsOver(new DateOnly(2026, 12, 27), Start.AddDays(30)));
        Assert.True(TraceBucket.IsOver(new DateOnly(2026, 12, 27), Start.AddDays(31)));
        Assert.Equal((new DateOnly(6026, 11, 1), true), (TraceBucket.For(Start, null), TraceBucket.IsEternal(TraceBucket.For(Start, null))));
        Assert.False(TraceBucket.IsEternal(TraceBucket.For(Start, RetentionPolicy.MaxDays)));
        Assert.Throws<ArgumentOutOfRangeException>(() => TraceBucket.For(Start, 0));
    }

    [Fact]
    public async Task Ahead_TheClockMovesOn_OneOfTwoServersMakesThePartitionsOfTheNextDays()
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);
        await using var first = await OpenAsync(uri);
        await using var second = await OpenAsync(uri);
        await WriteAsync(first, Long);
        await WriteAsync(second, Long);
        await AdvanceAsync(TimeSpan.FromHours(1), first, second);
        Assert.Equal(["20261227", "20261228", "20261229", "20261230", "60261101"], await PartitionsAsync(uri, "spans"));

        await AdvanceAsync(TimeSpan.FromDays(2), first, second);

        Assert.Equal(["20261227", "20261228", "20261229", "20261230", "20261231", "20270101", "60261101", "60261201"], await PartitionsAsync(uri, "spans"));
        Assert.Equal(await PartitionsAsync(uri, "spans"), await PartitionsAsync(uri, "span_payloads"));

        await using var connection = await PostgresCluster.ConnectAsync(uri);
        await using (await connection.BeginTransactionAsync(Cancellation))
        {
            await PostgresCluster.ExecuteAsync(connection, $"SELECT pg_advisory_xact_lock({0x4D4C70617274}); SELECT pg_advisory_xact_lock({0x4D4C64726F70})");
            Assert.Null(await second.Partitions.CreateAheadAsync());
            Assert.Empty(await second.Partitions.DropAsync(Cancellation));
        }

        Assert.Equal(0, await second.Partitions.CreateAheadAsync());
    }

    [Fact]
    public async Task Ahead_WhileOthersReadAndWrite_HoldsNobodyUp()
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);
        await using var database = await OpenAsync(uri);
        await WriteAsync(database, Long);
        await using var other = await PostgresCluster.ConnectAsync(uri);
        await using var transaction = await other.BeginTransactionAsync(Cancellation);
        await PostgresCluster.ExecuteAsync(other, "SELECT COUNT(*) FROM spans; UPDATE spans SET name = name");

        await database.Partitions.EnsureAsync([new DateOnly(2027, 5, 5)]).AsTask().WaitAsync(TimeSpan.FromSeconds(60), Cancellation);

        Assert.Contains("20270505", await PartitionsAsync(uri, "spans"));
        await PostgresCluster.ExecuteAsync(other, "SELECT COUNT(*) FROM spans");
    }

    [Fact]
    public async Task Drop_OfADayThatIsOver_TouchesNoOther()
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);
        await using var database = await OpenAsync(uri);
        var store = new PostgresTraceStore(database);
        var (brief, kept, forever) = (await WriteAsync(database, Short), await WriteAsync(database, Long), await WriteAsync(database, null));
        await KeepAsync(store, kept, forever);
        await AdvanceAsync(TimeSpan.FromDays(Short + 1), database);

        // Traces point to it.
        Assert.Empty(await database.Partitions.DropAsync(Cancellation));
        Assert.Equal([brief], await ExpireAsync(database));

        // Somebody is reading; who comes meanwhile does not wait.
        await using var reader = await PostgresCluster.ConnectAsync(uri);
        var transaction = await reader.BeginTransactionAsync(Cancellation);
        await PostgresCluster.ExecuteAsync(reader, "SELECT COUNT(*) FROM spans");
        var dropping = database.Partitions.DropAsync(Cancellation);
        while (await PostgresCluster.ScalarAsync(uri, "SELECT COUNT(*) FROM pg_inherits WHERE inhdetachpending") is 0L)
        {
            Assert.False(dropping.IsCompleted);
        }

        var late = await WriteAsync(database, Long);
        Assert.Single(await store.GetSpansAsync(late, Cancellation));
        Assert.Single(await store.GetSpansAsync(kept, Cancellation));
        Assert.False(dropping.IsCompleted);
        await transaction.CommitAsync(Cancellation);

        Assert.Equal([new DateOnly(2026, 11, 29)], await dropping);
        Assert.DoesNotContain("20261129", await PartitionsAsync(uri, "spans"));
        Assert.Equal(0L, await PostgresCluster.ScalarAsync(uri, "SELECT COUNT(*) FROM pg_class WHERE relname LIKE '%20261129%'"));
        Assert.Equal([kept, forever, late], (await store.GetInfosAsync([brief, kept, forever, late], Cancellation)).Select(info => info.TraceId));
        Assert.All(await Task.WhenAll(new[] { kept, forever, late }.Select(id => store.GetSpansAsync(id, Cancellation))), spans => Assert.Single(spans));
        Assert.Equal(3L, await PostgresCluster.ScalarAsync(uri, "SELECT COUNT(*) FROM spans s JOIN span_payloads USING (trace_id, bucket, span_id)"));
    }

    [Fact]
    public async Task Drop_BrokenOffHalfWay_IsFinishedTheNextTime()
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);
        await using var database = await OpenAsync(uri);
        await WriteAsync(database, Short);
        await AdvanceAsync(TimeSpan.FromDays(Short + 1), database);
        await ExpireAsync(database);
        await using (var reader = await PostgresCluster.ConnectAsync(uri))
        {
            var transaction = await reader.BeginTransactionAsync(Cancellation);
            await PostgresCluster.ExecuteAsync(reader, "SELECT COUNT(*) FROM spans");
            await using var broken = await PostgresCluster.ConnectAsync(uri);
            await PostgresCluster.ExecuteAsync(broken, "SET statement_timeout = 200");
            await Assert.ThrowsAsync<PostgresException>(() => PostgresCluster.ExecuteAsync(broken, "ALTER TABLE spans DETACH PARTITION spans_20261129 CONCURRENTLY"));
        }

        await cluster.ExecuteAsync(uri, "ALTER TABLE span_payloads DETACH PARTITION span_payloads_20261129");

        Assert.Equal([new DateOnly(2026, 11, 29)], await database.Partitions.DropAsync(Cancellation));
        Assert.Equal(0L, await PostgresCluster.ScalarAsync(uri, "SELECT COUNT(*) FROM pg_class WHERE relname LIKE '%20261129%'"));
    }

    [Fact]
    public async Task Write_LateSpans_AreWhereTheirTraceIsHoweverItsRetentionChanged()
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);
        await using var database = await OpenAsync(uri);
        var store = new PostgresTraceStore(database);
        var id = NewOtelId();
        await WriteAsync(database, Long, id);
        await AdvanceAsync(TimeSpan.FromDays(5), database);

        await WriteAsync(database, Short, id, number: 2);

        Assert.Equal(2, (await store.GetSpansAsync("tr-" + id, Cancellation)).Count);
        Assert.Equal("2026-12-27", await PostgresCluster.ScalarAsync(uri, "SELECT string_agg(DISTINCT bucket::text, ' ') FROM spans"));
    }

    [Fact]
    public async Task Write_SpansOfATraceWhoseDayIsOver_KeepsItWithAllThatItHas()
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);
        await using var database = await OpenAsync(uri);
        var store = new PostgresTraceStore(database);
        var id = NewOtelId();
        await WriteAsync(database, Short, id);
        await AdvanceAsync(TimeSpan.FromDays(5), database);

        await WriteAsync(database, Short, id, number: 2);

        Assert.Empty(await ExpireAsync(database));
        Assert.Equal([new DateOnly(2026, 11, 29)], await database.Partitions.DropAsync(Cancellation));
        Assert.Equal(2, (await store.GetSpansAsync("tr-" + id, Cancellation)).Count);
        Assert.Equal("2026-12-04", await PostgresCluster.ScalarAsync(uri, "SELECT string_agg(DISTINCT bucket::text, ' ') FROM spans"));
    }

    [Fact]
    public async Task Write_WhereSpansOfAnUnknownTraceLie_ReplacesThem()
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);
        await using var database = await OpenAsync(uri);
        var store = new PostgresTraceStore(database);
        var id = NewOtelId();
        await WriteAsync(database, Long, id);
        await cluster.ExecuteAsync(uri, "DELETE FROM traces");

        await WriteAsync(database, Long, id, name: "again");

        Assert.Equal("again", Assert.Single(await store.GetSpansAsync("tr-" + id, Cancellation)).Name);
    }

    [Fact]
    public async Task GiveSpaceBack_WhereATraceIsKept_TakesItOutOfTheDayBeforeThatIsDropped()
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);
        await using var database = await OpenAsync(uri);
        var store = new PostgresTraceStore(database);
        var (brief, kept) = (await WriteAsync(database, Short), await WriteAsync(database, Short));
        await KeepAsync(store, kept);
        await AdvanceAsync(TimeSpan.FromDays(Short), database);

        // The spans of what ends on its day are left to the partition.
        Assert.Equal([brief], await ExpireAsync(database));
        await database.Retention().GiveSpaceBackAsync(Cancellation);
        Assert.Equal(2L, await PostgresCluster.ScalarAsync(uri, "SELECT COUNT(*) FROM spans JOIN span_payloads USING (trace_id, bucket, span_id)"));
        Assert.Empty(await store.GetSpansAsync(brief, Cancellation));
        await AdvanceAsync(TimeSpan.FromDays(1), database);

        await database.Retention().GiveSpaceBackAsync(Cancellation);
        Assert.Contains("20261129", await PartitionsAsync(uri, "spans"));
        Assert.Single(await store.GetSpansAsync(kept, Cancellation));
        await database.Retention().GiveSpaceBackAsync(Cancellation);

        Assert.DoesNotContain("20261129", await PartitionsAsync(uri, "spans"));
        Assert.Equal(0L, await PostgresCluster.ScalarAsync(uri, "SELECT COUNT(*) FROM pg_class WHERE relname LIKE '%20261129%'"));
        Assert.Single(await store.GetSpansAsync(kept, Cancellation));
        Assert.Equal(1L, await PostgresCluster.ScalarAsync(uri, "SELECT COUNT(*) FROM spans JOIN span_payloads USING (trace_id, bucket, span_id)"));
    }

    [Fact]
    public async Task Expire_BeforeTheDayThatWasExpected_DeletesTheSpansAtOnce()
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);
        await using var database = await OpenAsync(uri);
        var (early, forever) = (await WriteAsync(database, Long), await WriteAsync(database, null));
        await AdvanceAsync(TimeSpan.FromDays(Short), database);

        Assert.Equal(new[] { early, forever }.Order(StringComparer.Ordinal), (await ExpireAsync(database)).Order(StringComparer.Ordinal));

        Assert.Equal(0L, await PostgresCluster.ScalarAsync(uri, "SELECT (SELECT COUNT(*) FROM spans) + (SELECT COUNT(*) FROM span_payloads)"));
    }

    private static async Task KeepAsync(PostgresTraceStore store, params string[] traceIds)
    {
        foreach (var traceId in traceIds)
        {
            await store.SetTagAsync(traceId, RetentionPolicy.KeepTag, "true", Cancellation);
        }
    }

    /// <summary>Ends what nobody has spoken of for the short retention.</summary>
    private async Task<IReadOnlyList<string>> ExpireAsync(PostgresDatabase database)
    {
        var (store, before) = (database.Retention(), _clock.GetUtcNow().AddDays(-Short).ToUnixTimeMilliseconds());
        var found = await store.FindExpiredAsync(0, before, withArchived: true, null, 100, Cancellation);
        return await store.DeleteExpiredAsync(0, before, [.. found.Select(trace => trace.TraceId)], Cancellation);
    }

    private async Task AdvanceAsync(TimeSpan time, params PostgresDatabase[] databases)
    {
        var passes = databases.Select(database => database.Upkeep.NextAsync()).ToList();
        _clock.Advance(time);
        await Task.WhenAll(passes);
    }

    private async Task<PostgresDatabase> OpenAsync(string uri) => await PostgresDatabase.OpenAsync(uri, _clock, null, Cancellation);

    /// <summary>Writes a span of a trace while experiments have a retention.</summary>
    private static async Task<string> WriteAsync(PostgresDatabase database, int? retention, string? id = null, int number = 1, string name = "span")
    {
        id ??= NewOtelId();
        database.Partitions.RetentionDays = _ => retention;
        await new PostgresTraceStore(database).WriteAsync(Batch(Span(id, number, name: name)), Cancellation);
        return "tr-" + id;
    }

    private static async Task<string[]> PartitionsAsync(string uri, string table) => ((string)(await PostgresCluster.ScalarAsync(
        uri, $"SELECT string_agg(right(c.relname, 8), ' ' ORDER BY c.relname) FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = '{table}'::regclass"))!).Split(' ');
}
