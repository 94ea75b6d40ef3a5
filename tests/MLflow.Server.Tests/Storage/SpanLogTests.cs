using Microsoft.Extensions.Time.Testing;
using MLflow.Server.Pricing;
using MLflow.Server.Storage;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Storage.Sqlite;
using MLflow.Server.Traces;
using Xunit;

namespace MLflow.Server.Tests.Storage;

public class SpanLogTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private IDatabase _database = null!;
    private ITraceStore _store = null!;

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _database = await OpenAsync(_time);
        _store = _database.Traces(new CallPricer(PriceTable.Shipped));
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

    private protected virtual Task<IDatabase> OpenAsync(TimeProvider time) => Task.FromResult<IDatabase>(SqliteDatabase.Open(_folder.File("mlflow.db"), time));

    protected virtual Task CloseAsync() => Task.CompletedTask;

    [Fact]
    public async Task Logs_WhoseSpanDoesNotCome_AreDeletedAfterADay()
    {
        await _store.WriteLogsAsync([Log('1', "early")], Token);
        await _store.WriteAsync(new TraceBatch { Spans = [Span('2')] }, Token);
        await _store.WriteLogsAsync([Log('2', "joined")], Token);
        _time.Advance(TimeSpan.FromHours(ITraceStore.LogWaitHours + 1));
        await _store.WriteLogsAsync([Log('3', "late")], Token);
        await _store.WriteAsync(new TraceBatch { Spans = [Span('1'), Span('3')] }, Token);

        Assert.Empty(await EventsAsync('1'));
        Assert.Equal(["joined"], await EventsAsync('2'));
        Assert.Equal(["late"], await EventsAsync('3'));
    }

    [Fact]
    public async Task Logs_ThousandsInOneRequest_AreWrittenInPiecesAndEachSpanAtOnce()
    {
        var ids = "123456789abcdef".ToCharArray();
        await _store.WriteAsync(new TraceBatch { Spans = [.. ids.Select(Span)] }, Token);

        // Turn by turn, as a collector sends them, and each twice.
        var logs = Enumerable.Range(0, 300).SelectMany(i => ids.SelectMany(id => new[] { Log(id, $"e{i:d3}"), Log(id, $"e{i:d3}") })).ToList();
        Assert.True(LogRow.Chunks(logs).Count() > 5);
        Assert.All(LogRow.Chunks(logs).SelectMany(chunk => chunk.Select(row => row.Log.SpanId).Distinct()).CountBy(id => id), pair => Assert.Equal(1, pair.Value));

        await _store.WriteLogsAsync(logs, Token);
        await _store.WriteLogsAsync(logs, Token);

        foreach (var id in ids)
        {
            Assert.Equal(Enumerable.Range(0, 300).SelectMany(i => new[] { $"e{i:d3}", $"e{i:d3}" }), (await EventsAsync(id)).Order());
        }
    }

    [Fact]
    public async Task Logs_OfManySpansAtOnce_GoToTheirOwn()
    {
        var ids = "123456789abcdef".ToCharArray();
        await Task.WhenAll(ids.SelectMany(id => new[]
        {
            Task.Run(() => _store.WriteLogsAsync([Log(id, "one" + id)], Token), Token),
            Task.Run(() => _store.WriteAsync(new TraceBatch { Spans = [Span(id)] }, Token), Token),
            Task.Run(() => _store.WriteLogsAsync([Log(id, "two" + id), Log(id, "one" + id)], Token), Token),
        }));

        foreach (var id in ids)
        {
            Assert.Equal(["one" + id, "two" + id], (await EventsAsync(id)).Order());
        }
    }

    [Fact]
    public async Task Span_Running_KeepsItsLogsWhenItEnds()
    {
        await _store.WriteAsync(new TraceBatch { Spans = [Span('1') with { EndNs = null }] }, Token);
        await _store.WriteLogsAsync([Log('1', "log")], Token);
        await _store.WriteAsync(new TraceBatch { Spans = [Span('1')] }, Token);

        Assert.Equal(["log"], await EventsAsync('1'));
        Assert.Equal(2, Assert.Single(await _store.GetSpansAsync("tr-" + new string('1', 32), Token)).EndNs);
    }

    private static SpanLogRecord Log(char id, string name) => new(new string(id, 32), new string(id, 16), new SpanEventRecord(name, 1, []));

    private static SpanRecord Span(char id) => new()
    {
        TraceId = "tr-" + new string(id, 32),
        OtelTraceId = new string(id, 32),
        SpanId = new string(id, 16),
        Name = "s",
        Type = "UNKNOWN",
        StartNs = 1,
        EndNs = 2,
    };

    private async Task<IReadOnlyList<string>> EventsAsync(char id) =>
        [.. Assert.Single(await _store.GetSpansAsync("tr-" + new string(id, 32), Token)).Events.Select(e => e.Name)];
}
