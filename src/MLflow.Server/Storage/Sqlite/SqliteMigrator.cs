using Microsoft.Data.Sqlite;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>
/// Creates the database or brings it up to date, and refuses files that are not ours before a byte of them is changed. Each script is one transaction with its entry
/// in the journal: what was broken off goes on at the script that it was in, and of several processes that open the file, one runs it and the others wait.
/// </summary>
internal static class SqliteMigrator
{
    private const string ScriptPrefix = "sqlite/";

    // The table says which scripts have run. It is as DbUp made it, which the first versions used.
    private const string Journal = "SchemaVersions";

    private const string SelectScriptsSql = $"SELECT ScriptName FROM {Journal}";

    private const string CreateJournalSql =
        $"CREATE TABLE IF NOT EXISTS {Journal} (SchemaVersionID INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, ScriptName TEXT NOT NULL, Applied DATETIME NOT NULL)";

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
            throw new DatabaseOpenException($"The database '{path}' cannot be opened for writing: {e.Message.TrimEnd('.')}. Let the server's user write to it and to its folder, or name another file in --backend-store-uri.", e);
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
        if (ReadStrings(connection, SelectScriptsSql).FirstOrDefault(script => !known.Contains(script)) is { } unknown)
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

            // auto_vacuum only takes effect before the first table is made.
            Execute(connection, "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;");
        }

        try
        {
            using var connection = new SqliteConnection(connectionString);
            connection.Open();
            Execute(connection, CreateJournalSql);
            var applied = ReadStrings(connection, SelectScriptsSql);
            foreach (var script in Scripts().Where(script => !applied.Contains(script)).Order(StringComparer.Ordinal))
            {
                RunScript(connection, script);
            }
        }
        catch (SqliteException e) when (e.SqliteErrorCode != NotADatabase)
        {
            throw new DatabaseOpenException($"The database '{path}' cannot be brought up to date: {e.Message}", e);
        }
    }

    private static void RunScript(SqliteConnection connection, string script)
    {
        // The lock of writers is taken first: whoever waited for another process finds its entry then.
        using var transaction = connection.BeginTransaction(deferred: false);
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = $"SELECT COUNT(*) FROM {Journal} WHERE ScriptName = $script";
        command.Parameters.AddWithValue("$script", script);
        if ((long)command.ExecuteScalar()! > 0)
        {
            return;
        }

        using (var reader = new StreamReader(typeof(SqliteMigrator).Assembly.GetManifestResourceStream(script)!))
        {
            command.CommandText = reader.ReadToEnd();
        }

        // However long a large database takes.
        command.CommandTimeout = 0;
        command.ExecuteNonQuery();
        command.CommandText = $"INSERT INTO {Journal} (ScriptName, Applied) VALUES ($script, datetime('now'))";
        command.ExecuteNonQuery();
        transaction.Commit();
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
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

    // Another process may be at it for as long as its largest script takes.
    private static string ConnectionString(string path, SqliteOpenMode mode) =>
        new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false, DefaultTimeout = 3600 }.ToString();
}
