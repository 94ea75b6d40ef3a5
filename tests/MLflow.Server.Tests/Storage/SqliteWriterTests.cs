using System.Diagnostics.Metrics;
using Microsoft.Data.Sqlite;
using MLflow.Server.Storage.Sqlite;
using MLflow.Server.Telemetry;
using Xunit;

namespace MLflow.Server.Tests.Storage;

public sealed class SqliteWriterTests : IDisposable
{
    private const string CountSql = "SELECT COUNT(*) FROM experiments";
    private const string InsertSql = "INSERT INTO experiments (name, artifact_location, creation_time_ms, last_update_time_ms) VALUES (?1, '', 0, 0)";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Dispose_WithWorkWaiting_CommitsItFirst()
    {
        var path = _folder.File("mlflow.db");
        var database = SqliteDatabase.Open(path, TimeProvider.System);
        var writes = Enumerable.Range(0, 100).Select(i => database.Writer.WriteAsync(session => session[InsertSql].Bind(1, $"e{i}").Execute(), CancellationToken.None)).ToList();

        await database.DisposeAsync();

        await Task.WhenAll(writes);
        Assert.Equal(101, Count(path));
    }

    [Fact]
    public async Task Write_ListenerOfTheProgramThrows_GoesOn()
    {
        using var meter = new ServerMeter();
        var heard = 0;
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Scope == meter)
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => throw new InvalidOperationException($"heard {++heard}"));
        listener.Start();
        var path = _folder.File("mlflow.db");
        await using (var database = SqliteDatabase.Open(path, TimeProvider.System, meter: meter))
        {
            await database.Writer.WriteAsync(session => session[InsertSql].Bind(1, "a").Execute(), CancellationToken.None);
            await database.Writer.WriteAsync(session => session[InsertSql].Bind(1, "b").Execute(), CancellationToken.None);
        }

        Assert.Equal((2, 3), (heard, Count(path)));
    }

    [Fact]
    public async Task Write_WorkThatFailsHalfWay_LeavesNothingAndHarmsNoOther()
    {
        var path = _folder.File("mlflow.db");
        await using var database = SqliteDatabase.Open(path, TimeProvider.System);
        using var hold = new ManualResetEventSlim();

        // The first piece of work holds the writer until the others wait together.
        var first = database.Writer.WriteAsync(
            _ =>
            {
                hold.Wait();
                return 0;
            },
            CancellationToken.None);
        var good = database.Writer.WriteAsync(session => session[InsertSql].Bind(1, "good").Execute(), CancellationToken.None);
        var bad = database.Writer.WriteAsync(
            session =>
            {
                session[InsertSql].Bind(1, "half").Execute();
                return session[InsertSql].Bind(1, "good").Execute();
            },
            CancellationToken.None);
        var alsoGood = database.Writer.WriteAsync(session => session[InsertSql].Bind(1, "also good").Execute(), CancellationToken.None);
        hold.Set();

        await Task.WhenAll(first, good, alsoGood);
        await Assert.ThrowsAsync<SqliteException>(() => bad);
        Assert.Equal(3, Count(path));
    }

    [Fact]
    public async Task Write_RefusedWhileNothingElseWaits_RunsOnceAndLeavesNothing()
    {
        var path = _folder.File("mlflow.db");
        await using var database = SqliteDatabase.Open(path, TimeProvider.System);
        var runs = 0;

        var bad = database.Writer.WriteAsync<int>(
            session =>
            {
                session[InsertSql].Bind(1, "half").Execute();
                throw new InvalidOperationException($"run {++runs}");
            },
            CancellationToken.None);

        Assert.Equal("run 1", (await Assert.ThrowsAsync<InvalidOperationException>(() => bad)).Message);
        await database.Writer.WriteAsync(session => session[InsertSql].Bind(1, "good").Execute(), CancellationToken.None);
        Assert.Equal((1, 2), (runs, Count(path)));
    }

    [Fact]
    public async Task Write_BeforeItsCommit_IsSeenByNobody()
    {
        var path = _folder.File("mlflow.db");
        await using var database = SqliteDatabase.Open(path, TimeProvider.System);
        using var written = new ManualResetEventSlim();
        using var hold = new ManualResetEventSlim();
        var write = database.Writer.WriteAsync(
            session =>
            {
                session[InsertSql].Bind(1, "x").Execute();
                written.Set();
                hold.Wait();
                return 0;
            },
            CancellationToken.None);

        written.Wait(Xunit.TestContext.Current.CancellationToken);
        Assert.False(write.IsCompleted);
        Assert.Equal(1, Count(path));
        hold.Set();

        await write;
        Assert.Equal(2, Count(path));
    }

    private static long Count(string path)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = CountSql;
        return (long)command.ExecuteScalar()!;
    }
}
