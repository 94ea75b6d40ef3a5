using Microsoft.Data.Sqlite;
using MLflow.Server.Storage;
using MLflow.Server.Storage.Sqlite;

namespace MLflow.Server.Tests.Storage;

public sealed class SqliteTraceStoreTests : TraceStoreConformance
{
    private readonly TemporaryFolder _folder = new();
    private SqliteDatabase? _database;

    private protected override ITextIndex Index => field ??= _database!.TextIndex();

    private protected override IAssessmentStore Assessments => new SqliteAssessmentStore(_database!);

    private protected override Task<(ITraceStore Traces, IExperimentStore Experiments)> OpenAsync()
    {
        _database = SqliteDatabase.Open(_folder.File("mlflow.db"), Clock);
        return Task.FromResult<(ITraceStore, IExperimentStore)>((new SqliteTraceStore(_database), new SqliteExperimentStore(_database)));
    }

    private protected override Task<long> PageBytesAsync()
    {
        using var connection = _database!.OpenRead();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT COALESCE(SUM(length(grams)), 0) FROM text_pages";
        return Task.FromResult((long)command.ExecuteScalar()!);
    }

    private protected override IReadOnlyList<string> Failures => ["statement", "transaction"];

    private protected override async Task FailAtAsync(int? write, string failure)
    {
        await using var connection = await ConnectAsync();
        var sql = "DROP TABLE IF EXISTS failpoint; CREATE TABLE failpoint (passes INTEGER NOT NULL);";
        foreach (var table in await TablesAsync(connection))
        {
            foreach (var change in (ReadOnlySpan<string>)["INSERT", "UPDATE", "DELETE"])
            {
                var name = $"fail_{table}_{change}";
                sql += $"DROP TRIGGER IF EXISTS {name};";
                if (write is not null)
                {
                    sql += $"""
                        CREATE TRIGGER {name} BEFORE {change} ON {table} BEGIN
                            SELECT RAISE({(failure == "transaction" ? "ROLLBACK" : "ABORT")}, 'failpoint') FROM failpoint WHERE passes = 0;
                            UPDATE failpoint SET passes = passes - 1;
                        END;
                        """;
                }
            }
        }

        await ExecuteAsync(connection, sql + (write is null ? "DROP TABLE failpoint" : $"INSERT INTO failpoint VALUES ({write})"));
    }

    private protected override async Task<IReadOnlyList<string>> DumpAsync()
    {
        await using var connection = await ConnectAsync();
        var rows = new List<string>();
        foreach (var table in (await TablesAsync(connection)).Where(table => table != "rollup_marks"))
        {
            await using var command = connection.CreateCommand();
            command.CommandText = $"SELECT * FROM {table}";
            await using var reader = await command.ExecuteReaderAsync(Cancellation);
            while (await reader.ReadAsync(Cancellation))
            {
                rows.Add(table + ": " + string.Join('|', Enumerable.Range(0, reader.FieldCount).Where(i => reader.GetName(i) != "text_place").Select(i => reader.GetValue(i) is byte[] bytes ? Convert.ToHexString(bytes) : reader.GetValue(i))));
            }
        }

        rows.Sort(StringComparer.Ordinal);
        return rows;
    }

    private static async Task<List<string>> TablesAsync(SqliteConnection connection)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'failpoint' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name";
        await using var reader = await command.ExecuteReaderAsync(Cancellation);
        var tables = new List<string>();
        while (await reader.ReadAsync(Cancellation))
        {
            tables.Add(reader.GetString(0));
        }

        return tables;
    }

    private static async Task ExecuteAsync(SqliteConnection connection, string sql)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    private async Task<SqliteConnection> ConnectAsync()
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = _folder.File("mlflow.db"), Pooling = false }.ToString());
        await connection.OpenAsync(Cancellation);
        return connection;
    }

    protected override async Task CloseAsync()
    {
        await _database!.DisposeAsync();
        _folder.Dispose();
    }
}
