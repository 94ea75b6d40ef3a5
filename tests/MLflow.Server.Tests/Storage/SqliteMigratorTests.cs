using Microsoft.Data.Sqlite;
using MLflow.Server.Storage;
using MLflow.Server.Storage.Sqlite;
using Xunit;

namespace MLflow.Server.Tests.Storage;

public sealed class SqliteMigratorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<int> Versions => [.. Enumerable.Range(1, Scripts().Count)];

    private static CancellationToken Cancellation => Xunit.TestContext.Current.CancellationToken;

    private string DatabasePath => _folder.File("mlflow.db");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Open_DatabaseOfAnEarlierVersion_KeepsWhatIsInItAndTakesMore(int version)
    {
        Build(version);

        await using var database = SqliteDatabase.Open(DatabasePath, TimeProvider.System);
        var store = new SqliteTraceStore(database);
        await store.WriteAsync(SomeTrace.Batch(SomeTrace.Span(SomeTrace.NewOtelId(), 1)), Cancellation);

        await OldData.AssertAsync(database, OldData.Number(Scripts()[version - 1]), Cancellation);
        Assert.Equal(2, await store.CountAsync(new() { ExperimentIds = [0, 1] }, 10, Cancellation));
    }

    [Fact]
    public async Task Open_ByManyAtOnce_RunsEachScriptOnce()
    {
        Build(3);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => SqliteMigrator.Migrate(DatabasePath), Cancellation)));

        using var connection = Connect();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT COUNT(*), COUNT(DISTINCT ScriptName) FROM SchemaVersions";
        using var reader = command.ExecuteReader();
        Assert.True(reader.Read());
        Assert.Equal((Scripts().Count, Scripts().Count), (reader.GetInt32(0), reader.GetInt32(1)));
    }

    [Fact]
    public async Task Open_AfterAMigrationThatWasBrokenOff_GoesOn()
    {
        Build(1);
        using (var connection = Connect())
        {
            // The second script makes this table, and fails after the first has run: as a process that dies between two scripts leaves it.
            Execute(connection, "CREATE TABLE trace_runs (wrong TEXT)");
        }

        var failure = Assert.Throws<DatabaseOpenException>(() => SqliteMigrator.Migrate(DatabasePath));
        Assert.Contains("cannot be brought up to date", failure.Message, StringComparison.Ordinal);
        using (var connection = Connect())
        {
            Execute(connection, "DROP TABLE trace_runs");
        }

        await using var database = SqliteDatabase.Open(DatabasePath, TimeProvider.System);
        await OldData.AssertAsync(database, 1, Cancellation);
    }

    [Fact]
    public void Open_DatabaseOfANewerVersion_IsRefusedInOneSentenceAndLeftUntouched()
    {
        Build(Scripts().Count);
        using (var connection = Connect())
        {
            Execute(connection, "INSERT INTO SchemaVersions (ScriptName, Applied) VALUES ('sqlite/9999_future.sql', datetime('now'))");
        }

        SqliteConnection.ClearAllPools();
        var before = File.ReadAllBytes(DatabasePath);

        var failure = Assert.Throws<DatabaseOpenException>(() => SqliteDatabase.Open(DatabasePath, TimeProvider.System));

        Assert.Equal($"The database '{DatabasePath}' was made by a newer version of this server (it has the migration 'sqlite/9999_future.sql') and is left untouched; use that version.", failure.Message);
        Assert.Equal(before, File.ReadAllBytes(DatabasePath));
    }

    /// <summary>Makes a database as the first <paramref name="version"/> scripts leave it, with a row in each of its tables.</summary>
    private void Build(int version)
    {
        using var connection = Connect();
        Execute(connection, "CREATE TABLE SchemaVersions (SchemaVersionID INTEGER CONSTRAINT 'PK_SchemaVersions_SchemaVersionID' PRIMARY KEY AUTOINCREMENT NOT NULL, ScriptName TEXT NOT NULL, Applied DATETIME NOT NULL)");
        foreach (var script in Scripts().Take(version))
        {
            using var reader = new StreamReader(typeof(SqliteMigrator).Assembly.GetManifestResourceStream(script)!);
            Execute(connection, reader.ReadToEnd());
            Execute(connection, $"INSERT INTO SchemaVersions (ScriptName, Applied) VALUES ('{script}', datetime('now'))");
            foreach (var sql in OldData.Sqlite(OldData.Number(script)))
            {
                Execute(connection, sql);
            }
        }
    }

    private SqliteConnection Connect()
    {
        var connection = new SqliteConnection($"Data Source={DatabasePath};Pooling=False");
        connection.Open();
        return connection;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static List<string> Scripts() => [.. typeof(SqliteMigrator).Assembly.GetManifestResourceNames().Where(name => name.StartsWith("sqlite/", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
}
