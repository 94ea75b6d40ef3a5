using System.Diagnostics;
using Microsoft.Data.Sqlite;

namespace MLflow.Benchmarks.Ingest;

/// <summary>
/// The least that the same rows cost: a copy of the server's schema, its very rows, prepared statements, one transaction for as many traces
/// as the server got in one request, WAL and synchronous=FULL. No decoding, no HTTP.
/// </summary>
internal static class BareInserts
{
    /// <summary>Copies a server's database row by row and returns how long the inserts took.</summary>
    public static TimeSpan Run(string serverDatabase, string targetDatabase, int tracesPerTransaction)
    {
        using var source = Open(serverDatabase);
        using var target = Open(targetDatabase);
        Execute(target, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF;");
        CopySchema(source, target);
        var tables = Tables(source).Select(t => Read(source, t)).ToList();
        var traceIds = tables.SelectMany(t => t.RowsByTrace.Keys).Distinct().ToList();
        var commands = tables.Select(t => Prepare(target, t)).ToList();

        var started = Stopwatch.GetTimestamp();
        foreach (var chunk in traceIds.Chunk(tracesPerTransaction))
        {
            Execute(target, "BEGIN IMMEDIATE");
            for (var i = 0; i < tables.Count; i++)
            {
                Insert(commands[i], tables[i], chunk);
            }

            Execute(target, "COMMIT");
        }

        var elapsed = Stopwatch.GetElapsedTime(started);
        commands.ForEach(c => c.Dispose());
        return elapsed;
    }

    private static void Insert(SqliteCommand command, TableRows table, string[] traceIds)
    {
        foreach (var id in traceIds)
        {
            if (!table.RowsByTrace.TryGetValue(id, out var rows))
            {
                continue;
            }

            foreach (var row in rows)
            {
                for (var column = 0; column < row.Length; column++)
                {
                    command.Parameters[column].Value = row[column];
                }

                command.ExecuteNonQuery();
            }
        }
    }

    private static SqliteConnection Open(string path)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }

    private static List<string> Tables(SqliteConnection connection) =>
        [.. Query(connection, "SELECT m.name FROM sqlite_master m WHERE m.type='table' AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) WHERE name='trace_id') ORDER BY m.rowid").Select(r => (string)r[0])];

    private static void CopySchema(SqliteConnection source, SqliteConnection target)
    {
        foreach (var row in Query(source, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' AND type IN ('table','index') ORDER BY type DESC, rowid"))
        {
            Execute(target, (string)row[0]);
        }
    }

    private static TableRows Read(SqliteConnection connection, string table)
    {
        var columns = Query(connection, $"SELECT name FROM pragma_table_info('{table}')").Select(r => (string)r[0]).ToList();
        var key = columns.IndexOf("trace_id");
        var rows = Query(connection, $"SELECT {string.Join(',', columns)} FROM {table}");
        return new TableRows(table, columns, rows.GroupBy(r => (string)r[key]).ToDictionary(g => g.Key, g => g.ToList()));
    }

    private static SqliteCommand Prepare(SqliteConnection connection, TableRows table)
    {
        var command = connection.CreateCommand();
        command.CommandText = $"INSERT INTO {table.Name} ({string.Join(',', table.Columns)}) VALUES ({string.Join(',', table.Columns.Select((_, i) => "$p" + i))})";
        for (var i = 0; i < table.Columns.Count; i++)
        {
            command.Parameters.Add(new SqliteParameter("$p" + i, null));
        }

        return command;
    }

    private static List<object[]> Query(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<object[]>();
        while (reader.Read())
        {
            var row = new object[reader.FieldCount];
            reader.GetValues(row);
            rows.Add(row);
        }

        return rows;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private sealed record TableRows(string Name, List<string> Columns, Dictionary<string, List<object[]>> RowsByTrace);
}
