using Microsoft.Data.Sqlite;
using MLflow.Server.Storage.Sqlite;
using MLflow.Server.Traces;
using Xunit;

namespace MLflow.Server.Tests.Storage;

public sealed class SqliteMaintenanceTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private SqliteDatabase _database = null!;
    private SqliteTraceStore _traces = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string StoreUri => "sqlite:///" + _folder.File("mlflow.db");

    public ValueTask InitializeAsync()
    {
        _database = SqliteDatabase.Open(_folder.File("mlflow.db"), TimeProvider.System);
        _traces = new SqliteTraceStore(_database);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Backup_WhileTracesAreWritten_IsWholeAndOfOneMoment()
    {
        await WriteAsync(20);
        using var stop = new CancellationTokenSource();
        var writing = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await WriteAsync(1);
            }
        }, Token);
        await MlflowDatabase.BackupAsync(StoreUri, _folder.File("copy.db"), Token);
        await stop.CancelAsync();
        await writing;

        var check = await MlflowDatabase.CheckAsync("sqlite:///" + _folder.File("copy.db"), Token);
        Assert.Empty(check.Problems);
        Assert.True(check.Traces >= 20);
        Assert.Equal(check.Traces * 2, check.Spans);
        await using var copy = SqliteDatabase.Open(_folder.File("copy.db"), TimeProvider.System);
        var page = await new SqliteTraceStore(copy).SearchAsync(new TraceQuery { ExperimentIds = [0], PageSize = 5 }, Token);
        Assert.Equal(2, (await new SqliteTraceStore(copy).GetSpansAsync(page.Traces[0].TraceId, Token)).Count);
    }

    [Fact]
    public async Task Backup_FileExists_IsRefusedAndTheFileStays()
    {
        await File.WriteAllTextAsync(_folder.File("copy.db"), "mine", Token);
        var error = await Assert.ThrowsAsync<IOException>(() => MlflowDatabase.BackupAsync(StoreUri, _folder.File("copy.db"), Token));
        Assert.Contains("exists already", error.Message, StringComparison.Ordinal);
        Assert.Equal("mine", await File.ReadAllTextAsync(_folder.File("copy.db"), Token));
    }

    [Fact]
    public async Task Backup_OfWhatCannotBeRead_LeavesNothingBehind()
    {
        await WriteAsync(200);
        await _database.DisposeAsync();
        Damage();
        await Assert.ThrowsAsync<IOException>(() => MlflowDatabase.BackupAsync(StoreUri, _folder.File("copy.db"), Token));
        Assert.DoesNotContain(Directory.GetFiles(_folder.Path), file => Path.GetFileName(file).StartsWith("copy.db", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Check_DatabaseInOrder_CountsWhatItLookedAt()
    {
        await WriteAsync(3);
        var check = await MlflowDatabase.CheckAsync(StoreUri, Token);
        Assert.Empty(check.Problems);
        Assert.Equal((3, 6), (check.Traces, check.Spans));
    }

    [Theory]
    [InlineData("UPDATE traces SET span_count = 7", "counts 7")]
    [InlineData("DELETE FROM span_payloads", "has no content")]
    [InlineData("UPDATE span_payloads SET codec = 1, payload = x'00112233'", "cannot be read")]
    [InlineData("PRAGMA foreign_keys = OFF; DELETE FROM traces", "belongs to none of traces")]
    public async Task Check_DatabaseOutOfOrder_SaysWhatIsWrong(string sql, string problem)
    {
        await WriteAsync(1);
        Execute(sql);
        Assert.Contains((await MlflowDatabase.CheckAsync(StoreUri, Token)).Problems, text => text.Contains(problem, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Check_DamagedPages_AreTold()
    {
        await WriteAsync(200);
        await _database.DisposeAsync();
        Damage();
        Assert.NotEmpty((await MlflowDatabase.CheckAsync(StoreUri, Token)).Problems);
    }

    [Fact]
    public async Task Check_DamagedSchema_IsOneSentence()
    {
        await WriteAsync(200);
        await _database.DisposeAsync();
        Damage(0);
        var error = await Assert.ThrowsAsync<MlflowServerStartException>(() => MlflowDatabase.CheckAsync(StoreUri, Token));
        Assert.Contains("cannot be read", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Compact_AfterDeletion_GivesSpaceBackWhileTheServerHasItOpen()
    {
        await WriteAsync(300, 30_000);
        await MlflowDatabase.CompactAsync(StoreUri, Token);
        Execute("DELETE FROM traces");
        var (before, after) = await MlflowDatabase.CompactAsync(StoreUri, Token);
        Assert.True(after < before / 4, $"{before} bytes before, {after} after");
        await WriteAsync(1);
        Assert.Empty((await MlflowDatabase.CheckAsync(StoreUri, Token)).Problems);
    }

    [Fact]
    public async Task Delete_ManyTraces_GivesTheirSpaceBack()
    {
        await WriteAsync(300, 30_000);
        var full = Pages();
        await _traces.DeleteAsync(new TraceDeletion { ExperimentId = 0, MaxTimestampMs = long.MaxValue }, Token);
        Assert.True(Pages() < full / 2, $"{full} pages before, {Pages()} after");
    }

    [Theory]
    [InlineData("sqlite:///missing.db", "There is no database")]
    [InlineData("mysql://host/db", "is not understood")]
    public async Task AnyCommand_WrongDatabase_IsTold(string uri, string problem)
    {
        var error = await Assert.ThrowsAsync<MlflowServerStartException>(() => MlflowDatabase.CheckAsync(uri, Token));
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
    }

    /// <summary>Traces of two spans, with content that does not compress.</summary>
    private async Task WriteAsync(int traces, int bytes = 200)
    {
        for (var i = 0; i < traces; i++)
        {
            var id = SomeTrace.NewOtelId();
            var content = new byte[bytes];
            Random.Shared.NextBytes(content);
            var text = $"\"{Convert.ToBase64String(content)}\"";
            await _traces.WriteAsync(SomeTrace.Batch(SomeTrace.Span(id, 1, attributes: ("mlflow.spanInputs", text)), SomeTrace.Span(id, 2, 1)), Token);
        }
    }

    /// <summary>Writes over pages in the middle of the file, as a failing disk may.</summary>
    private void Damage(int part = 5)
    {
        SqliteConnection.ClearAllPools();
        using var file = File.OpenWrite(_folder.File("mlflow.db"));
        file.Position = Math.Max(file.Length * part / 8 / 4096, 1) * 4096;
        file.Write(Enumerable.Repeat((byte)0xA5, (int)(file.Length / 8)).ToArray());
    }

    private long Pages()
    {
        using var connection = new SqliteConnection($"Data Source={_folder.File("mlflow.db")};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA page_count";
        return (long)command.ExecuteScalar()!;
    }

    private void Execute(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={_folder.File("mlflow.db")};Pooling=False;Foreign Keys=True");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
