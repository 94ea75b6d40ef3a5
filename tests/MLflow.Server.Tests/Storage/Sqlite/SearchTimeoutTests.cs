using MLflow.Server.Experiments;
using MLflow.Server.Storage.Sqlite;
using MLflow.Server.Traces;
using Xunit;
using static MLflow.Server.Tests.Storage.SomeTrace;

namespace MLflow.Server.Tests.Storage.Sqlite;

/// <summary>Searches that take longer than they may. The clock is moved by those who look at it, so nobody waits.</summary>
public sealed class SearchTimeoutTests : IDisposable
{
    private const string Message =
        "The search took longer than 30 s, this server's limit (--search-timeout), and was stopped. "
        + "Narrow it by timestamp_ms or by fewer experiments, look for less in text and span attributes, or raise the limit.";

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => Xunit.TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("name LIKE 'none'")]
    [InlineData("trace.text LIKE '%none%'")]
    [InlineData("span.attributes.k RLIKE 'none'")]
    [InlineData("NOT (tags.a = 'b' OR name ILIKE 'N_NE')")]
    public async Task Search_LongerThanTheLimit_IsStoppedAndNamesIt(string filter)
    {
        var time = new SteppingTime(TimeSpan.FromSeconds(1));
        await using var database = SqliteDatabase.Open(_folder.File("mlflow.db"), time);
        var store = new SqliteTraceStore(database);
        var ids = Enumerable.Range(0, 2000).Select(_ => NewOtelId()).ToList();
        await store.WriteAsync(Batch([.. ids.Select(id => Span(id, 1, attributes: [("k", "\"v\"")]))]), Cancellation);
        var query = new TraceQuery { ExperimentIds = [0], Filter = filter };

        var search = await Assert.ThrowsAsync<MlflowException>(() => store.SearchAsync(query, Cancellation));
        Assert.Equal((ErrorCode.BAD_REQUEST, Message), (search.ErrorCode, search.Message));
        var count = await Assert.ThrowsAsync<MlflowException>(() => store.CountAsync(query, 100, Cancellation));
        Assert.Equal(Message, count.Message);

        // The connection goes back to the pool without the limit of that search.
        Assert.Equal(2000, (await store.GetInfosAsync([.. ids.Select(id => "tr-" + id)], Cancellation)).Count);
    }

    [Fact]
    public async Task Search_WithinTheLimit_LooksAtTheTimeAndAnswers()
    {
        var time = new SteppingTime(TimeSpan.FromSeconds(1));
        await using var database = SqliteDatabase.Open(_folder.File("mlflow.db"), time, TimeSpan.FromDays(365));
        var store = new SqliteTraceStore(database);
        await store.WriteAsync(Batch([.. Enumerable.Range(0, 2000).Select(_ => Span(NewOtelId(), 1))]), Cancellation);

        Assert.Empty((await store.SearchAsync(new TraceQuery { ExperimentIds = [0], Filter = "name LIKE 'none'" }, Cancellation)).Traces);
        Assert.InRange(time.Looks, 30, 100_000);
    }

    [Fact]
    public async Task Search_OfOneLongText_IsStoppedWithinIt()
    {
        var time = new SteppingTime(TimeSpan.FromSeconds(1));
        await using var database = SqliteDatabase.Open(_folder.File("mlflow.db"), time);
        var store = new SqliteTraceStore(database);
        await store.WriteAsync(Batch(Span(NewOtelId(), 1, attributes: [("k", $"\"{new string('a', 4_000_000)}\"")])), Cancellation);

        var exception = await Assert.ThrowsAsync<MlflowException>(
            () => store.SearchAsync(new TraceQuery { ExperimentIds = [0], Filter = $"trace.text LIKE '%{new string('a', 1000)}b%'" }, Cancellation));

        Assert.Equal(Message, exception.Message);
    }

    [Fact]
    public async Task Search_OfExperiments_HasTheLimitToo()
    {
        var time = new SteppingTime(TimeSpan.FromSeconds(20));
        await using var database = SqliteDatabase.Open(_folder.File("mlflow.db"), time);
        var store = new SqliteExperimentStore(database);
        for (var i = 0; i < 20; i++)
        {
            await store.CreateAsync($"e{i}", null, new Dictionary<string, string>(), Cancellation);
        }

        var exception = await Assert.ThrowsAsync<MlflowException>(() => store.SearchAsync(new ExperimentQuery { Filter = "name LIKE 'none%'" }, Cancellation));

        Assert.Equal(Message, exception.Message);
    }

    [Fact]
    public async Task Server_SearchTimeoutOfItsOptions_IsKeptAndToldAsTheCallersMistake()
    {
        // So short that it is over before the first trace is looked at.
        await using var server = await MlflowServer.StartAsync(
            new MlflowServerOptions
            {
                Port = 0,
                BackendStoreUri = "sqlite:///" + _folder.File("mlflow.db"),
                ArtifactsDestination = _folder.File("artifacts"),
                SearchTimeout = TimeSpan.FromTicks(1),
            },
            Cancellation);
        using var client = new HttpClient { BaseAddress = server.BaseAddress };
        using var content = new StringContent("""{"max_results":10,"filter":"name LIKE 'D%'"}""", null, "application/json");

        using var response = await client.PostAsync(new Uri("/api/2.0/mlflow/experiments/search", UriKind.Relative), content, Cancellation);

        Assert.Equal(System.Net.HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("The search took longer than 0.0000001 s", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Search_WhoseCallerHasGone_IsStopped()
    {
        await using var database = SqliteDatabase.Open(_folder.File("mlflow.db"), TimeProvider.System);
        var store = new SqliteTraceStore(database);
        await store.WriteAsync(Batch([.. Enumerable.Range(0, 500).Select(_ => Span(NewOtelId(), 1))]), Cancellation);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => store.SearchAsync(new TraceQuery { ExperimentIds = [0], Filter = "name LIKE 'none'" }, new CancellationToken(canceled: true)));
    }
}
