using Microsoft.Data.Sqlite;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Backup, check and compaction of a database file, beside a server that may have it open.</summary>
internal static class SqliteMaintenance
{
    private const int MaxProblems = 100;

    /// <summary>Pages given back in one transaction: what a server waits for at most is some milliseconds.</summary>
    private const int CompactChunk = 1000;

    /// <exception cref="DatabaseOpenException">The file is not ours, was made by a newer version, or cannot even be read that far.</exception>
    public static void RequireOurs(string path)
    {
        try
        {
            SqliteMigrator.RefuseForeign(path);
        }
        catch (SqliteException e)
        {
            throw new DatabaseOpenException($"The database '{path}' cannot be read: {e.Message} Restore a backup of it.", e);
        }
    }

    public static long Backup(string path, string file, CancellationToken cancellationToken)
    {
        var target = Path.GetFullPath(file);
        if (Path.Exists(target))
        {
            throw new IOException($"The file '{target}' exists already; name another one for the copy.");
        }

        // Beside the target, so that it only has to be renamed.
        var partial = $"{target}.{Guid.NewGuid():N}.partial";
        try
        {
            Copy(path, partial, cancellationToken);
            if (Problems(partial, "PRAGMA quick_check", cancellationToken) is [var problem, ..])
            {
                throw new IOException($"The copy of '{path}' is damaged ({problem}); run 'mlflow db check' on the database itself.");
            }

            File.Move(partial, target);
            return new FileInfo(target).Length;
        }
        catch (SqliteException e)
        {
            throw new IOException($"The database '{path}' cannot be copied to '{target}': {e.Message}", e);
        }
        finally
        {
            foreach (var rest in FilesOf(partial).Where(File.Exists))
            {
                File.Delete(rest);
            }
        }
    }

    public static MlflowDatabaseCheck Check(string path, CancellationToken cancellationToken)
    {
        try
        {
            var problems = Problems(path, "PRAGMA integrity_check", cancellationToken);
            using var connection = Open(path, SqliteOpenMode.ReadOnly);
            using var transaction = connection.BeginTransaction(deferred: true);
            problems.AddRange(Rows(connection, "PRAGMA foreign_key_check", reader => $"A row of {reader.GetString(0)} belongs to none of {reader.GetString(2)}.", cancellationToken));
            problems.AddRange(Rows(connection, MiscountedSql, reader => $"Trace {reader.GetString(0)} has {reader.GetInt64(2)} spans, and counts {reader.GetInt64(1)}.", cancellationToken));
            problems.AddRange(Rows(connection, WithoutPayloadSql, reader => $"Span {reader.GetString(1)} of trace {reader.GetString(0)} has no content.", cancellationToken));
            var spans = CheckPayloads(connection, problems, cancellationToken);
            return new MlflowDatabaseCheck(Count(connection, "traces"), spans, [.. problems.Take(MaxProblems)]);
        }
        catch (SqliteException e)
        {
            // A page that cannot be read at all ends the reading.
            return new MlflowDatabaseCheck(0, 0, [$"The database '{path}' cannot be read: {e.Message}"]);
        }
    }

    public static (long Before, long After) Compact(string path, CancellationToken cancellationToken)
    {
        var before = SizeOf(path);
        try
        {
            using var connection = Open(path, SqliteOpenMode.ReadWrite);
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA busy_timeout = 10000";
            command.ExecuteNonQuery();
            while (!cancellationToken.IsCancellationRequested && FreePages(connection) > 0)
            {
                // It gives back a page with each row, so all rows are read.
                foreach (var _ in Rows(connection, $"PRAGMA incremental_vacuum({CompactChunk})", _ => true, CancellationToken.None, int.MaxValue))
                {
                }
            }

            // The file itself gets shorter when the log is written into it; a reader may hold that up, and then the server does it later.
            command.CommandText = "PRAGMA wal_checkpoint(TRUNCATE)";
            command.ExecuteNonQuery();
        }
        catch (SqliteException e)
        {
            throw new IOException($"The database '{path}' cannot be compacted now: {e.Message}", e);
        }

        return (before, SizeOf(path));
    }

    private const string MiscountedSql = """
        SELECT t.trace_id, t.span_count, COUNT(s.span_id) AS spans FROM traces t LEFT JOIN spans s ON s.trace_id = t.trace_id
        GROUP BY t.trace_id HAVING t.span_count <> COUNT(s.span_id)
        """;

    private const string WithoutPayloadSql = """
        SELECT s.trace_id, s.span_id FROM spans s WHERE NOT EXISTS (SELECT 1 FROM span_payloads p WHERE p.trace_id = s.trace_id AND p.span_id = s.span_id)
            AND NOT EXISTS (SELECT 1 FROM traces t WHERE t.trace_id = s.trace_id AND t.archive IS NOT NULL)
        """;

    private static void Copy(string path, string partial, CancellationToken cancellationToken)
    {
        using var source = Open(path, SqliteOpenMode.ReadOnly);
        using var copy = Open(partial, SqliteOpenMode.ReadWriteCreate);
        using var interrupting = cancellationToken.Register(() => SQLitePCL.raw.sqlite3_interrupt(copy.Handle));
        source.BackupDatabase(copy);
        cancellationToken.ThrowIfCancellationRequested();
    }

    private static long CheckPayloads(SqliteConnection connection, List<string> problems, CancellationToken cancellationToken)
    {
        using var command = connection.CreateCommand();
        command.CommandText = """
            SELECT p.trace_id, p.span_id, p.codec, p.payload,
                (SELECT f.payload FROM span_payloads f WHERE p.codec = 3 AND f.trace_id = p.trace_id AND f.span_id = lower(hex(substr(p.payload, 1, 8))))
            FROM span_payloads p
            """;
        using var reader = command.ExecuteReader();
        var spans = 0L;
        while (reader.Read())
        {
            cancellationToken.ThrowIfCancellationRequested();
            spans++;
            try
            {
                SpanPayload.Decode(SpanOf(reader), reader.GetInt32(2), reader.GetFieldValue<byte[]>(3), reader.IsDBNull(4) ? null : reader.GetFieldValue<byte[]>(4));
            }
#pragma warning disable CA1031 // Whatever a damaged content throws is what is to be told.
            catch (Exception e) when (e is not OutOfMemoryException)
#pragma warning restore CA1031
            {
                problems.Add($"The content of span {reader.GetString(1)} of trace {reader.GetString(0)} cannot be read: {e.Message}");
            }
        }

        return spans;
    }

    private static SpanRecord SpanOf(SqliteDataReader reader) => new()
    {
        TraceId = reader.GetString(0),
        SpanId = reader.GetString(1),
        OtelTraceId = "",
        Name = "",
        Type = "",
        StartNs = 0,
    };

    private static List<string> Problems(string path, string pragma, CancellationToken cancellationToken)
    {
        using var connection = Open(path, SqliteOpenMode.ReadOnly);
        return [.. Rows(connection, pragma, reader => reader.GetString(0), cancellationToken).Where(line => line != "ok")];
    }

    private static List<T> Rows<T>(SqliteConnection connection, string sql, Func<SqliteDataReader, T> read, CancellationToken cancellationToken, int limit = MaxProblems)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (rows.Count < limit && reader.Read())
        {
            cancellationToken.ThrowIfCancellationRequested();
            rows.Add(read(reader));
        }

        return rows;
    }

    private static long Count(SqliteConnection connection, string table) => Rows(connection, $"SELECT COUNT(*) FROM {table}", reader => reader.GetInt64(0), CancellationToken.None)[0];

    private static long FreePages(SqliteConnection connection) => Rows(connection, "PRAGMA freelist_count", reader => reader.GetInt64(0), CancellationToken.None)[0];

    private static long SizeOf(string path) => FilesOf(path).Where(File.Exists).Sum(file => new FileInfo(file).Length);

    private static string[] FilesOf(string path) => [path, path + "-wal", path + "-shm", path + "-journal"];

    private static SqliteConnection Open(string path, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }
}
