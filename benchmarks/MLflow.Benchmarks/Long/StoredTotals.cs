using System.Data.Common;
using Microsoft.Data.Sqlite;
using MLflow.Benchmarks.Server;

namespace MLflow.Benchmarks.Long;

/// <summary>Looks into a database past the server: what is there of each trace, and whether anything is there by half.</summary>
internal static class StoredTotals
{
    // In PostgreSQL the row of a span says where in the payload of another its content is.
    private const string PostgresOwner = "COALESCE(encode(substring(s.frame_place FOR 8), 'hex'), s.span_id)";

    private const string SpansSql = """
        SELECT t.trace_id, t.span_count, (SELECT COUNT(*) FROM spans s JOIN span_payloads p ON p.trace_id = s.trace_id AND p.span_id = {0} WHERE s.trace_id = t.trace_id),
            (SELECT COUNT(*) FROM trace_tags g WHERE g.trace_id = t.trace_id)
        FROM traces t
        """;

    private const string LostSql = """
        SELECT (SELECT COUNT(*) FROM spans s WHERE NOT EXISTS (SELECT 1 FROM traces t WHERE t.trace_id = s.trace_id))
            + (SELECT COUNT(*) FROM span_payloads p WHERE NOT EXISTS (SELECT 1 FROM spans s WHERE s.trace_id = p.trace_id AND s.span_id = p.span_id))
            + (SELECT COUNT(*) FROM trace_tags g WHERE NOT EXISTS (SELECT 1 FROM traces t WHERE t.trace_id = g.trace_id))
            + (SELECT COUNT(*) FROM trace_metadata m WHERE NOT EXISTS (SELECT 1 FROM traces t WHERE t.trace_id = m.trace_id))
        """;

    /// <summary>For each trace how many spans its row says, how many there are with payload, and how many tags; and how many rows belong to no trace.</summary>
    public static async Task<(Dictionary<string, (long Said, long Spans, long Tags)> Traces, long Lost)> ReadAsync(string storeUri, PostgresProcess? postgres)
    {
        await using DbConnection connection = postgres is null ? await OpenAsync(storeUri) : await postgres.ConnectAsync(storeUri);
        var traces = new Dictionary<string, (long, long, long)>();
        await using (var command = connection.CreateCommand())
        {
            command.CommandText = SpansSql.Replace("{0}", postgres is null ? "s.span_id" : PostgresOwner, StringComparison.Ordinal);
            await using var reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync())
            {
                traces.Add(reader.GetString(0), (Convert.ToInt64(reader.GetValue(1), null), reader.GetInt64(2), reader.GetInt64(3)));
            }
        }

        await using var lost = connection.CreateCommand();
        lost.CommandText = LostSql;
        return (traces, (long)(await lost.ExecuteScalarAsync())!);
    }

    private static async Task<SqliteConnection> OpenAsync(string storeUri)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = storeUri["sqlite:///".Length..], Pooling = false }.ToString());
        await connection.OpenAsync();
        return connection;
    }
}
