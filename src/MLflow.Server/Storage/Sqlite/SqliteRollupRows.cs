using Dapper;
using Microsoft.Data.Sqlite;
using MLflow.Server.Storage.Rollups;
using MLflow.Server.Traces.Analysis;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Reads what adds to the figures of a time, and the figures that are kept.</summary>
internal static class SqliteRollupRows
{
    private const string OfTime = "t.experiment_id = $experiment AND t.request_time_ms >= $start AND t.request_time_ms < $end";

    private const string CountTracesSql = $"SELECT COUNT(*) FROM (SELECT 1 FROM traces t WHERE {OfTime} LIMIT $limit)";

    private const string SelectTracesSql = $"SELECT {RolledSql.TraceColumns} FROM traces t WHERE {OfTime}";

    private const string SelectSpansSql = $"SELECT {RolledSql.SpanColumns} FROM traces t JOIN spans s ON s.trace_id = t.trace_id WHERE {OfTime} AND {RolledSql.IsCall}";

    private const string SelectKeptSql = "SELECT hour, figures FROM rollup_hours WHERE experiment_id = $experiment AND hour >= $first AND hour <= $last";

    private const string SelectMarkedSql = "SELECT hour FROM rollup_marks WHERE experiment_id = $experiment AND hour >= $first AND hour <= $last";

    /// <summary>How many traces a time has; at most the limit.</summary>
    public static long Count(SqliteConnection connection, OverviewQuery query, long limit)
    {
        using var command = OfTimeCommand(connection, CountTracesSql, query.ExperimentId, query.StartMs, query.EndMs);
        command.Parameters.AddWithValue("$limit", limit);
        return (long)command.ExecuteScalar()!;
    }

    /// <summary>What is kept for an overview.</summary>
    public static RollupPlan Plan(SqliteConnection connection, OverviewQuery query)
    {
        var hours = new { experiment = query.ExperimentId, first = query.StartMs / IRollups.HourMs, last = query.EndMs / IRollups.HourMs };
        return new RollupPlan(
            query,
            connection.Query<(long Hour, byte[] Figures)>(SelectKeptSql, hours).ToDictionary(row => row.Hour, row => row.Figures),
            connection.Query<long>(SelectMarkedSql, hours).ToHashSet());
    }

    public static IEnumerable<RolledTrace> Traces(SqliteConnection connection, long experimentId, long startMs, long endMs)
    {
        using var command = OfTimeCommand(connection, SelectTracesSql, experimentId, startMs, endMs);
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            yield return new RolledTrace
            {
                RequestTimeMs = reader.GetInt64(0),
                HasFailed = reader.GetInt64(1) != 0,
                DurationMs = Integer(reader, 2),
                FirstTokenMs = Integer(reader, 3),
                InputTokens = Integer(reader, 4),
                CachedInputTokens = Integer(reader, 5),
                OutputTokens = Integer(reader, 6),
                InputCost = Integer(reader, 7),
                OutputCost = Integer(reader, 8),
                UnpricedCalls = reader.GetInt64(9),
                Session = reader.IsDBNull(10) ? null : reader.GetString(10),
                User = reader.IsDBNull(11) ? null : reader.GetString(11),
            };
        }
    }

    public static IEnumerable<RolledSpan> Spans(SqliteConnection connection, long experimentId, long startMs, long endMs)
    {
        using var command = OfTimeCommand(connection, SelectSpansSql, experimentId, startMs, endMs);
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            yield return new RolledSpan
            {
                IsTool = reader.GetInt64(0) != 0,
                Name = reader.GetString(1),
                HasFailed = reader.GetInt64(2) != 0,
                StartNs = reader.GetInt64(3),
                EndNs = Integer(reader, 4),
                FirstTokenMs = Integer(reader, 5),
                InputTokens = Integer(reader, 6),
                CachedInputTokens = Integer(reader, 7),
                OutputTokens = Integer(reader, 8),
                InputCost = Integer(reader, 9),
                OutputCost = Integer(reader, 10),
                RequestTimeMs = reader.GetInt64(11),
            };
        }
    }

    private static SqliteCommand OfTimeCommand(SqliteConnection connection, string sql, long experimentId, long startMs, long endMs)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        command.Parameters.AddWithValue("$experiment", experimentId);
        command.Parameters.AddWithValue("$start", startMs);
        command.Parameters.AddWithValue("$end", endMs);
        return command;
    }

    private static long? Integer(SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetInt64(column);
}
