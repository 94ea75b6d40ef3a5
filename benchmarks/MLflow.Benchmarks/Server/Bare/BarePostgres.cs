using System.Diagnostics;
using Npgsql;
using NpgsqlTypes;

namespace MLflow.Benchmarks.Server.Bare;

/// <summary>
/// The least that the same rows cost in PostgreSQL: the server's schema with its indices, its very rows, one connection, a commit for each
/// <see cref="TracesOfATransaction"/> traces with fsync. Once as prepared INSERTs, of which each transaction is one round trip, once as binary COPY.
/// </summary>
internal static class BarePostgres
{
    public const int TracesOfATransaction = BareSqlite.TracesOfATransaction;

    /// <param name="source">The server's database.</param>
    /// <param name="target">Another one in which a server has made its tables.</param>
    /// <param name="isCopy">COPY instead of INSERT.</param>
    public static async Task<TimeSpan> RunAsync(NpgsqlConnection source, NpgsqlConnection target, bool isCopy)
    {
        var tables = new List<TableRows>();
        foreach (var row in await QueryAsync(source, "SELECT c.table_name FROM information_schema.columns c JOIN pg_class k ON k.relname = c.table_name AND NOT k.relispartition AND k.relkind IN ('r','p') WHERE c.column_name = 'trace_id' AND c.table_schema = 'public' ORDER BY 1"))
        {
            tables.Add(await ReadAsync(source, (string)row[0]!));
        }

        foreach (var sql in await QueryAsync(source, "SELECT pg_get_partition_constraintdef(c.oid), c.relname, p.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid JOIN pg_class p ON p.oid = i.inhparent WHERE c.relkind = 'r'"))
        {
            await ExecuteAsync(target, $"CREATE TABLE IF NOT EXISTS {sql[1]} PARTITION OF {sql[2]} {sql[3]}");
        }

        await ExecuteAsync(target, $"TRUNCATE {string.Join(", ", tables.Select(table => table.Name))}");
        var traceIds = tables.SelectMany(table => table.RowsByTrace.Keys).Distinct().ToList();
        var started = Stopwatch.GetTimestamp();
        foreach (var chunk in traceIds.Chunk(TracesOfATransaction))
        {
            await using var transaction = await target.BeginTransactionAsync();
            await (isCopy ? CopyAsync(target, tables, chunk) : InsertAsync(target, tables, chunk));
            await transaction.CommitAsync();
        }

        return Stopwatch.GetElapsedTime(started);
    }

    private static async Task InsertAsync(NpgsqlConnection target, List<TableRows> tables, string[] traceIds)
    {
        await using var batch = new NpgsqlBatch(target);
        foreach (var table in tables)
        {
            var sql = $"INSERT INTO {table.Name} ({Names(table)}) VALUES ({string.Join(',', table.Columns.Select((_, i) => $"${i + 1}"))})";
            foreach (var row in traceIds.SelectMany(id => table.RowsByTrace.GetValueOrDefault(id, [])))
            {
                var command = new NpgsqlBatchCommand(sql);
                for (var i = 0; i < row.Length; i++)
                {
                    command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = Type(table.Columns[i].Type), Value = row[i] ?? DBNull.Value });
                }

                batch.BatchCommands.Add(command);
            }
        }

        await batch.PrepareAsync();
        await batch.ExecuteNonQueryAsync();
    }

    private static async Task CopyAsync(NpgsqlConnection target, List<TableRows> tables, string[] traceIds)
    {
        foreach (var table in tables.Where(table => table.RowsByTrace.Count > 0))
        {
            await using var import = await target.BeginBinaryImportAsync($"COPY {table.Name} ({Names(table)}) FROM STDIN (FORMAT BINARY)");
            foreach (var row in traceIds.SelectMany(id => table.RowsByTrace.GetValueOrDefault(id, [])))
            {
                await import.StartRowAsync();
                for (var i = 0; i < row.Length; i++)
                {
                    await (row[i] is { } value ? import.WriteAsync(value, Type(table.Columns[i].Type)) : import.WriteNullAsync());
                }
            }

            await import.CompleteAsync();
        }
    }

    private static string Names(TableRows table) => string.Join(',', table.Columns.Select(column => column.Name));

    private static NpgsqlDbType Type(string type) => type switch
    {
        "bigint" => NpgsqlDbType.Bigint,
        "integer" => NpgsqlDbType.Integer,
        "smallint" => NpgsqlDbType.Smallint,
        "date" => NpgsqlDbType.Date,
        "bytea" => NpgsqlDbType.Bytea,
        "boolean" => NpgsqlDbType.Boolean,
        "double precision" => NpgsqlDbType.Double,
        "text" => NpgsqlDbType.Text,
        _ => throw new NotSupportedException($"A column of type {type}."),
    };

    private static async Task<TableRows> ReadAsync(NpgsqlConnection connection, string table)
    {
        var columns = (await QueryAsync(connection, $"SELECT column_name::text, data_type::text FROM information_schema.columns WHERE table_name = '{table}' AND table_schema = 'public' AND is_generated = 'NEVER' AND COALESCE(identity_generation, '') <> 'ALWAYS' ORDER BY ordinal_position"))
            .ConvertAll(row => ((string)row[0]!, (string)row[1]!));
        var key = columns.FindIndex(column => column.Item1 == "trace_id");
        var rows = await QueryAsync(connection, $"SELECT {string.Join(',', columns.Select(c => c.Item1))} FROM {table}");
        return new TableRows(table, columns, rows.GroupBy(row => (string)row[key]!).ToDictionary(ofTrace => ofTrace.Key, ofTrace => ofTrace.ToList()));
    }

    private static async Task<List<object?[]>> QueryAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<object?[]>();
        while (await reader.ReadAsync())
        {
            rows.Add([.. Enumerable.Range(0, reader.FieldCount).Select(i => reader.IsDBNull(i) ? null : reader.GetValue(i))]);
        }

        return rows;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
