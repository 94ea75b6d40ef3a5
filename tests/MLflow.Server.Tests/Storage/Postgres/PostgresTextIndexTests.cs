using System.Globalization;
using MLflow.Server.Storage.Postgres;
using MLflow.Server.Traces;
using Xunit;
using static MLflow.Server.Tests.Storage.SomeTrace;

namespace MLflow.Server.Tests.Storage.Postgres;

/// <summary>What others change between two statements of the text index: they are held up by locks until it has happened.</summary>
public sealed class PostgresTextIndexTests(PostgresCluster cluster)
{
    private static CancellationToken Cancellation => Xunit.TestContext.Current.CancellationToken;

    [Fact]
    public async Task Index_TraceMovesWhileItsSpansAreLookedFor_WaitsAgain()
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);
        await using var database = await PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Cancellation);
        var (store, index, id) = (new PostgresTraceStore(database), database.TextIndex(), NewOtelId());
        database.Partitions.RetentionDays = _ => 30;
        await store.WriteAsync(Batch(Span(id, 1, name: "moved away")), Cancellation);

        Task<int>? indexing = null;
        await database.WriteAsync(
            async session =>
            {
                var home = Assert.Single(await PostgresTraceWriter.LockAsync(session, ["tr-" + id]));
                await session.ExecuteAsync(string.Create(CultureInfo.InvariantCulture, $"LOCK TABLE span_payloads_{home.Bucket:yyyyMMdd} IN ACCESS EXCLUSIVE MODE"));
                indexing = index.IndexAsync(now: true, Cancellation);
                await PostgresCluster.WaitForLockAsync(uri);
                return await database.Partitions.MoveAsync(session, home, TraceBucket.For(TimeProvider.System.GetUtcNow(), null));
            },
            isIdempotent: false,
            Cancellation);

        Assert.Equal(1, await indexing!);
        Assert.Equal(1, await index.CountWaitingAsync(Cancellation));
        Assert.Equal(1, await index.IndexAsync(now: true, Cancellation));
        Assert.Equal(0, await index.CountWaitingAsync(Cancellation));
        Assert.Equal(1, await store.CountAsync(new TraceQuery { ExperimentIds = [0], Filter = "trace.text LIKE '%moved away%'" }, 10, Cancellation));
    }

    [Fact]
    public async Task Sweep_LostTraceIsWrittenAgainBeforeItsPlaceIsLocked_KeepsThePlace()
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);
        await using var database = await PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Cancellation);
        var index = database.TextIndex();
        await new PostgresTraceStore(database).WriteAsync(Batch(Span(NewOtelId(), 1)), Cancellation);

        // Who looks at traces has its snapshot by then, and waits until nobody holds the lock 1.
        await cluster.ExecuteAsync(
            uri,
            """
            CREATE TABLE kept AS SELECT * FROM traces;
            DELETE FROM traces;
            ALTER TABLE traces RENAME TO stored_traces;
            CREATE FUNCTION hold() RETURNS boolean STABLE LANGUAGE plpgsql AS $f$ BEGIN
                PERFORM pg_advisory_xact_lock_shared(1);
                RETURN true;
            END $f$;
            CREATE VIEW traces AS SELECT * FROM stored_traces WHERE hold();
            """);
        Task<bool> sweeping;
        await using (var writer = await PostgresCluster.ConnectAsync(uri))
        {
            await PostgresCluster.ExecuteAsync(writer, "SELECT pg_advisory_lock(1)");
            sweeping = index.SweepAsync(Cancellation);
            await PostgresCluster.WaitForLockAsync(uri);
            await PostgresCluster.ExecuteAsync(writer, "INSERT INTO stored_traces SELECT * FROM kept; UPDATE text_places SET place = place - 1");
        }

        Assert.False(await sweeping);
        Assert.Equal(-2L, await PostgresCluster.ScalarAsync(uri, "SELECT place FROM text_places"));
    }
}
