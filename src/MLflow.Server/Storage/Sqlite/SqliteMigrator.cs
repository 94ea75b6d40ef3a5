using DbUp;
using DbUp.Engine.Output;
using Microsoft.Data.Sqlite;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Creates the database or brings it up to date, and refuses files that are not ours before a byte of them is changed.</summary>
internal static class SqliteMigrator
{
    private const string ScriptPrefix = "sqlite/";

    // DbUp's default name; the table says which scripts have run.
    private const string Journal = "SchemaVersions";

    // SQLite result codes, https://sqlite.org/rescode.html
    private const int NotADatabase = 26;

    public static void Migrate(string path)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            if (new FileInfo(path) is { Exists: true, Length: > 0 })
            {
                RefuseForeign(path);
            }

            RunScripts(path);
        }
        catch (SqliteException e) when (e.SqliteErrorCode == NotADatabase)
        {
            throw new DatabaseOpenException($"The file '{path}' is not an SQLite database; name another file in --backend-store-uri.", e);
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException)
        {
            throw new DatabaseOpenException($"The database '{path}' cannot be opened for writing: {e.Message}", e);
        }
    }

    /// <exception cref="DatabaseOpenException">The file is not ours, or was made by a newer version.</exception>
    public static void RefuseForeign(string path)
    {
        using var connection = new SqliteConnection(ConnectionString(path, SqliteOpenMode.ReadOnly));
        connection.Open();
        var tables = ReadStrings(connection, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
        if (tables.Contains("alembic_version"))
        {
            throw new DatabaseOpenException(
                $"The database '{path}' was made by Python's MLflow and is left untouched; bring its traces over with 'mlflow import', or name another file in --backend-store-uri.");
        }

        if (tables.Count == 0)
        {
            return;
        }

        if (!tables.Contains(Journal))
        {
            throw new DatabaseOpenException($"The database '{path}' belongs to another program and is left untouched; name another file in --backend-store-uri.");
        }

        var known = Scripts().ToHashSet();
        if (ReadStrings(connection, $"SELECT ScriptName FROM {Journal}").FirstOrDefault(script => !known.Contains(script)) is { } unknown)
        {
            throw new DatabaseOpenException(
                $"The database '{path}' was made by a newer version of this server (it has the migration '{unknown}') and is left untouched; use that version.");
        }
    }

    private static void RunScripts(string path)
    {
        var connectionString = ConnectionString(path, SqliteOpenMode.ReadWriteCreate);
        using (var connection = new SqliteConnection(connectionString))
        {
            connection.Open();
            using var command = connection.CreateCommand();

            // auto_vacuum only takes effect before the first table is made.
            command.CommandText = "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;";
            command.ExecuteNonQuery();
        }

        var result = DeployChanges.To
            .SqliteDatabase(connectionString)
            .WithScriptsEmbeddedInAssembly(typeof(SqliteMigrator).Assembly, name => name.StartsWith(ScriptPrefix, StringComparison.Ordinal))
            .WithTransactionPerScript()
            .WithVariablesDisabled()
            .LogTo(new NoOpUpgradeLog())
            .Build()
            .PerformUpgrade();
        if (!result.Successful)
        {
            throw new DatabaseOpenException($"The database '{path}' cannot be brought up to date: {result.Error.Message}", result.Error);
        }
    }

    private static IEnumerable<string> Scripts() =>
        typeof(SqliteMigrator).Assembly.GetManifestResourceNames().Where(name => name.StartsWith(ScriptPrefix, StringComparison.Ordinal));

    private static HashSet<string> ReadStrings(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var strings = new HashSet<string>();
        while (reader.Read())
        {
            strings.Add(reader.GetString(0));
        }

        return strings;
    }

    private static string ConnectionString(string path, SqliteOpenMode mode) =>
        new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false }.ToString();
}
