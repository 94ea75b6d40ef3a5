using System.Buffers.Text;
using System.Text;
using MLflow.Server.Experiments;
using MLflow.Server.Storage.Postgres;
using MLflow.Server.Tests.Storage.Sqlite;
using MLflow.Server.Traces;
using Xunit;
using static MLflow.Server.Tests.Storage.SomeTrace;

namespace MLflow.Server.Tests.Storage.Postgres;

/// <summary>Searches that take longer than they may, and what else ends them.</summary>
public sealed class PostgresSearchTests(PostgresCluster cluster)
{
    private static CancellationToken Cancellation => Xunit.TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("trace.text LIKE '%none%'")]
    [InlineData("span.attributes.k RLIKE 'none'")]
    [InlineData("NOT (tags.a = 'b' OR name ILIKE 'N_NE')")]
    public async Task Search_LongerThanTheLimit_IsStoppedAndNamesIt(string filter)
    {
        // The clock is moved by those who look at it, so nobody waits.
        await using var database = await OpenAsync(new SteppingTime(TimeSpan.FromSeconds(1)));
        var store = new PostgresTraceStore(database);
        await store.WriteAsync(Batch([.. Enumerable.Range(0, 500).Select(_ => Span(NewOtelId(), 1, attributes: [("k", "\"v\"")]))]), Cancellation);
        var query = new TraceQuery { ExperimentIds = [0], Filter = filter };

        AssertStopped(await Assert.ThrowsAsync<MlflowException>(() => store.SearchAsync(query, Cancellation)), "30 s");
        AssertStopped(await Assert.ThrowsAsync<MlflowException>(() => store.CountAsync(query, 100, Cancellation)), "30 s");
    }

    [Fact]
    public async Task Search_TheDatabaseTakesTooLong_IsStoppedThere()
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);
        await using var database = await PostgresDatabase.OpenAsync(uri, TimeProvider.System, TimeSpan.FromMilliseconds(50), Cancellation);
        await using var other = await PostgresCluster.ConnectAsync(uri);
        await using var transaction = await other.BeginTransactionAsync(Cancellation);
        await PostgresCluster.ExecuteAsync(other, "LOCK TABLE traces, experiments IN ACCESS EXCLUSIVE MODE");

        var traces = await Assert.ThrowsAsync<MlflowException>(() => new PostgresTraceStore(database).SearchAsync(new TraceQuery { ExperimentIds = [0] }, Cancellation));
        var experiments = await Assert.ThrowsAsync<MlflowException>(() => new PostgresExperimentStore(database).SearchAsync(new ExperimentQuery(), Cancellation));

        AssertStopped(traces, "0.05 s");
        AssertStopped(experiments, "0.05 s");
    }

    [Fact]
    public async Task Search_WhoseCallerHasGone_IsStopped()
    {
        await using var database = await OpenAsync(TimeProvider.System);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new PostgresTraceStore(database).SearchAsync(new TraceQuery { ExperimentIds = [0], Filter = "name = 'none'" }, new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task Search_TokenWithATextForATime_IsRefused()
    {
        await using var database = await OpenAsync(TimeProvider.System);
        var token = Base64Url.EncodeToString(Encoding.UTF8.GetBytes("""["RequestTime-,TraceId+","x","y"]"""));

        var e = await Assert.ThrowsAsync<MlflowException>(() => new PostgresTraceStore(database).SearchAsync(new TraceQuery { ExperimentIds = [0], PageToken = token }, Cancellation));

        Assert.Equal(ErrorCode.INVALID_PARAMETER_VALUE, e.ErrorCode);
        Assert.StartsWith("Invalid page token", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Write_IdThatNoIndexTakes_IsRefusedAlone()
    {
        await using var database = await OpenAsync(TimeProvider.System);
        var store = new PostgresTraceStore(database);
        var random = new Random(1);
        var id = NewOtelId();
        var bad = new TraceInfo { TraceId = new string(random.GetItems("0123456789abcdefghijklmnopqrstuvwxyz".ToCharArray(), 20_000)), ExperimentId = 0, RequestTimeMs = 1, State = TraceState.Ok };

        var writes = Enumerable.Range(0, 20).Select(i => i == 10 ? store.WriteAsync(new TraceBatch { Infos = [bad] }, Cancellation) : store.WriteAsync(Batch(Span(id, i + 1)), Cancellation)).ToList();

        var e = await Assert.ThrowsAsync<MlflowException>(() => writes[10]);
        Assert.Equal(ErrorCode.INVALID_PARAMETER_VALUE, e.ErrorCode);
        writes.RemoveAt(10);
        await Task.WhenAll(writes);
        Assert.Equal(19, (await store.GetSpansAsync("tr-" + id, Cancellation)).Count);
    }

    [Fact]
    public async Task Hosts_OneOfWhichIsAway_TheOtherIsUsed()
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);
        await using var database = await PostgresDatabase.OpenAsync(
            uri.Replace("@127.0.0.1", "@127.0.0.1:1,127.0.0.1", StringComparison.Ordinal) + "?target_session_attrs=prefer-standby", TimeProvider.System, null, Cancellation);
        var store = new PostgresTraceStore(database);
        var id = NewOtelId();
        await store.WriteAsync(Batch(Span(id, 1)), Cancellation);

        Assert.Single(await store.GetSpansAsync("tr-" + id, Cancellation));
    }

    private static void AssertStopped(MlflowException e, string limit)
    {
        Assert.Equal(ErrorCode.BAD_REQUEST, e.ErrorCode);
        Assert.StartsWith($"The search took longer than {limit}, this server's limit (--search-timeout), and was stopped.", e.Message, StringComparison.Ordinal);
    }

    private async Task<PostgresDatabase> OpenAsync(TimeProvider time) => await PostgresDatabase.OpenAsync(await cluster.CreateDatabaseAsync(isEmpty: true), time, null, Cancellation);
}
