using System.Diagnostics;
using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace MLflow.Benchmarks.Server.Bare;

/// <summary>
/// The least that the same rows cost in SQLite: the server's schema with its indices, its very rows (payloads compressed already), statements
/// prepared once and bound without ADO.NET, WAL, synchronous=FULL, a commit for each <see cref="TracesOfATransaction"/> traces. No decoding, no HTTP.
/// </summary>
internal static class BareSqlite
{
    public const int TracesOfATransaction = 100;

    public static TimeSpan Run(string serverDatabase, string targetDatabase)
    {
        using var source = Open(serverDatabase);
        using var target = Open(targetDatabase);
        Execute(target, "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF; PRAGMA cache_size=-32768;");
        foreach (var row in Query(source, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' AND type IN ('table','index') AND sql NOT LIKE 'CREATE VIRTUAL%' AND name NOT LIKE '%fts%' ORDER BY type DESC, rowid"))
        {
            Execute(target, (string)row[0]!);
        }

        var tables = Query(source, "SELECT m.name FROM sqlite_master m WHERE m.type='table' AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) WHERE name='trace_id') AND m.sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY m.rowid")
            .Select(row => Read(source, (string)row[0]!)).ToList();
        var statements = tables.ConvertAll(table => Prepare(target, $"INSERT INTO {table.Name} ({string.Join(',', table.Columns.Select(c => c.Name))}) VALUES ({string.Join(',', table.Columns.Select(_ => "?"))})"));
        var (begin, commit) = (Prepare(target, "BEGIN IMMEDIATE"), Prepare(target, "COMMIT"));
        var traceIds = tables.SelectMany(table => table.RowsByTrace.Keys).Distinct().ToList();

        var started = Stopwatch.GetTimestamp();
        foreach (var chunk in traceIds.Chunk(TracesOfATransaction))
        {
            Step(begin);
            for (var i = 0; i < tables.Count; i++)
            {
                foreach (var row in chunk.SelectMany(id => tables[i].RowsByTrace.GetValueOrDefault(id, [])))
                {
                    Bind(statements[i], row);
                    Step(statements[i]);
                }
            }

            Step(commit);
        }

        var elapsed = Stopwatch.GetElapsedTime(started);
        foreach (var statement in statements.Append(begin).Append(commit))
        {
            statement.Dispose();
        }

        return elapsed;
    }

    private static void Bind(sqlite3_stmt statement, object?[] row)
    {
        for (var i = 0; i < row.Length; i++)
        {
            Check(row[i] switch
            {
                long number => raw.sqlite3_bind_int64(statement, i + 1, number),
                double number => raw.sqlite3_bind_double(statement, i + 1, number),
                Utf8 text => raw.sqlite3_bind_text(statement, i + 1, text.Bytes),
                byte[] blob => raw.sqlite3_bind_blob(statement, i + 1, blob),
                _ => raw.sqlite3_bind_null(statement, i + 1),
            });
        }
    }

    private static void Step(sqlite3_stmt statement)
    {
        var result = raw.sqlite3_step(statement);
        Check(raw.sqlite3_reset(statement));
        Check(result == raw.SQLITE_DONE ? raw.SQLITE_OK : result);
    }

    private static sqlite3_stmt Prepare(SqliteConnection connection, string sql)
    {
        Check(raw.sqlite3_prepare_v3(connection.Handle!, sql, raw.SQLITE_PREPARE_PERSISTENT, out var statement));
        return statement;
    }

    private static void Check(int result)
    {
        if (result != raw.SQLITE_OK)
        {
            throw new InvalidOperationException($"SQLite: {raw.sqlite3_errstr(result).utf8_to_string()}");
        }
    }

    private static TableRows Read(SqliteConnection connection, string table)
    {
        var columns = Query(connection, $"SELECT name, type FROM pragma_table_info('{table}')").ConvertAll(row => ((string)row[0]!, (string)row[1]!));
        var key = columns.FindIndex(column => column.Item1 == "trace_id");
        var rows = Query(connection, $"SELECT {string.Join(',', columns.Select(c => c.Item1))} FROM {table}");
        var byTrace = rows.GroupBy(row => (string)row[key]!).ToDictionary(
            ofTrace => ofTrace.Key, ofTrace => ofTrace.Select(row => Array.ConvertAll(row, value => value is string text ? new Utf8(Encoding.UTF8.GetBytes(text)) : value)).ToList());
        return new TableRows(table, columns, byTrace);
    }

    private static SqliteConnection Open(string path)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }

    private static List<object?[]> Query(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<object?[]>();
        while (reader.Read())
        {
            rows.Add([.. Enumerable.Range(0, reader.FieldCount).Select(i => reader.IsDBNull(i) ? null : reader.GetValue(i))]);
        }

        return rows;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private sealed record Utf8(byte[] Bytes);
}
