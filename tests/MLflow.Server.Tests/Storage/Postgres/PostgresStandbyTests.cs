using MLflow.Server.Storage.Postgres;
using MLflow.Server.Traces;
using Xunit;
using static MLflow.Server.Tests.Storage.SomeTrace;

namespace MLflow.Server.Tests.Storage.Postgres;

/// <summary>A primary with a standby that follows it: what is read from which, and what becomes of that which was acknowledged.</summary>
public sealed class PostgresStandbyTests
{
    private static CancellationToken Cancellation => Xunit.TestContext.Current.CancellationToken;

    [Fact]
    public async Task Standby_ThatIsBehind_IsSearchedOnlyWhereAskedFor()
    {
        await using var primary = new PostgresCluster();
        var uri = await primary.CreateDatabaseAsync();
        await using var standby = await primary.StartStandbyAsync();
        await using var asked = await OpenAsync(uri, standby, "?target_session_attrs=prefer-standby");
        await using var unasked = await OpenAsync(uri, standby, "");
        var (near, far) = (new PostgresTraceStore(unasked), new PostgresTraceStore(asked));
        await primary.WaitForStandbyAsync();
        await standby.StopReplayingAsync(true);
        var id = NewOtelId();

        await far.WriteAsync(Batch(Span(id, 1)), Cancellation);

        // What was just written is there for who asks for it.
        Assert.Single(await far.GetSpansAsync("tr-" + id, Cancellation));
        Assert.Single(await far.GetInfosAsync(["tr-" + id], Cancellation));
        Assert.Single(await far.GetExperimentsAsync(["tr-" + id], Cancellation));
        await far.SetTagAsync("tr-" + id, "k", "v", Cancellation);
        var experiments = new PostgresExperimentStore(asked);
        var created = await experiments.CreateAsync("new", null, new Dictionary<string, string>(), Cancellation);
        Assert.NotNull(await experiments.GetByNameAsync("new", Cancellation));
        Assert.NotNull(await experiments.GetAsync(created.ExperimentId, Cancellation));

        // What is searched may be some moments old.
        var query = new TraceQuery { ExperimentIds = [0] };
        Assert.Single((await near.SearchAsync(query, Cancellation)).Traces);
        Assert.Empty((await far.SearchAsync(query, Cancellation)).Traces);
        Assert.Equal((1, 0), (await near.CountAsync(query, 10, Cancellation), await far.CountAsync(query, 10, Cancellation)));
        await standby.StopReplayingAsync(false);
        await primary.WaitForStandbyAsync();
        Assert.Single((await far.SearchAsync(query, Cancellation)).Traces);

        // Without a standby the primary is searched.
        await primary.ExecuteAsync("postgres", "ALTER SYSTEM SET synchronous_standby_names = ''");
        await primary.ExecuteAsync("postgres", "SELECT pg_reload_conf()");
        await standby.KillAsync();
        Assert.Single((await far.SearchAsync(query, Cancellation)).Traces);
    }

    [Fact]
    public async Task Standby_ThatLacksTheTablesStill_IsNotSearched()
    {
        await using var primary = new PostgresCluster();
        await primary.CreateDatabaseAsync();
        await using var standby = await primary.StartStandbyAsync();
        await primary.ExecuteAsync("postgres", "CREATE DATABASE later");
        await primary.WaitForStandbyAsync();
        await standby.StopReplayingAsync(true);
        await using var database = await OpenAsync(primary.Uri("later"), standby, "?target_session_attrs=prefer-standby");

        Assert.Empty((await new PostgresTraceStore(database).SearchAsync(new TraceQuery { ExperimentIds = [0] }, Cancellation)).Traces);
    }

    [Fact]
    public async Task Primary_Dies_TheServerGoesOnWithTheStandbyAndAllThatItAcknowledged()
    {
        await using var primary = new PostgresCluster();
        var uri = await primary.CreateDatabaseAsync();
        await using var standby = await primary.StartStandbyAsync();
        await using var database = await OpenAsync(uri, standby, "");
        await WriterCrowd.RunAsync(database, async written =>
        {
            await written(50);
            await primary.KillAsync();
            await standby.PromoteAsync();
            await written(50);
        });
    }

    [Fact]
    public async Task Database_IsRestartedMeanwhile_KeepsWhatItAcknowledged()
    {
        await using var own = new PostgresCluster();
        await using var database = await PostgresDatabase.OpenAsync(await own.CreateDatabaseAsync(), TimeProvider.System, null, Cancellation);
        await WriterCrowd.RunAsync(database, async written =>
        {
            for (var restart = 0; restart < 2; restart++)
            {
                await written(50);
                await own.RestartAsync();
            }

            await written(50);
        });
    }

    [Fact]
    public async Task Commit_ThatTheStandbyHasNot_IsNotAcknowledged()
    {
        await using var primary = new PostgresCluster();
        var uri = await primary.CreateDatabaseAsync();
        await using var standby = await primary.StartStandbyAsync();
        await using var database = await OpenAsync(uri, standby, "");
        var store = new PostgresTraceStore(database);
        await store.WriteAsync(Batch(Span(NewOtelId(), 1)), Cancellation);
        await standby.KillAsync();
        var id = NewOtelId();

        var writing = store.WriteAsync(Batch(Span(id, 1)), Cancellation);

        // The wait for the standby is ended until the primary alone shows the trace.
        while (await PostgresCluster.ScalarAsync(uri, $"SELECT COUNT(*) FROM traces WHERE trace_id = 'tr-{id}'") is 0L)
        {
            await PostgresCluster.ScalarAsync(uri, "SELECT COUNT(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
        }

        Assert.False(writing.IsCompleted);
        await standby.StartProcessAsync();
        await writing;
        await primary.KillAsync();
        await standby.PromoteAsync();
        Assert.Single(await store.GetSpansAsync("tr-" + id, Cancellation));
    }

    [Fact]
    public async Task Database_IsAway_IsSaidAndNotForEver()
    {
        await using var own = new PostgresCluster();
        await using var database = await PostgresDatabase.OpenAsync(await own.CreateDatabaseAsync(), TimeProvider.System, null, Cancellation);
        database.RetryFor = TimeSpan.FromMilliseconds(100);
        var store = new PostgresTraceStore(database);
        await own.KillAsync();

        foreach (var failing in (Func<Task>[])[() => store.WriteAsync(Batch(Span(NewOtelId(), 1)), Cancellation), () => store.GetSpansAsync("tr-1", Cancellation), () => store.SearchAsync(new TraceQuery { ExperimentIds = [0] }, Cancellation)])
        {
            var e = await Assert.ThrowsAsync<MlflowException>(failing);
            Assert.Equal(ErrorCode.TEMPORARILY_UNAVAILABLE, e.ErrorCode);
            Assert.StartsWith("The database cannot be reached or written now: ", e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Statement_ThatTakesTooLong_IsEndedAndSaid()
    {
        await using var own = new PostgresCluster();
        var uri = await own.CreateDatabaseAsync();
        await using var database = await PostgresDatabase.OpenAsync(uri + "?Command%20Timeout=1", TimeProvider.System, null, Cancellation);
        database.RetryFor = TimeSpan.FromMilliseconds(100);
        await using var other = await PostgresCluster.ConnectAsync(uri);
        await using var transaction = await other.BeginTransactionAsync(Cancellation);
        await PostgresCluster.ExecuteAsync(other, "LOCK TABLE traces");

        var e = await Assert.ThrowsAsync<MlflowException>(() => new PostgresTraceStore(database).WriteAsync(Batch(Span(NewOtelId(), 1)), Cancellation));

        Assert.Equal(ErrorCode.TEMPORARILY_UNAVAILABLE, e.ErrorCode);
        Assert.Equal(0L, await PostgresCluster.ScalarAsync(uri, "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'mlflow' AND state = 'active' AND wait_event_type = 'Lock'"));
    }

    private static Task<PostgresDatabase> OpenAsync(string uri, PostgresCluster standby, string options)
    {
        var slash = uri.LastIndexOf('/');
        return PostgresDatabase.OpenAsync($"{uri[..slash]},127.0.0.1:{standby.Port}{uri[slash..]}{options}", TimeProvider.System, null, Cancellation);
    }
}
