using System.Text.Json;
using Dapper;
using Microsoft.Data.Sqlite;
using MLflow.Server.Assessments;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Sqlite;

/// <content>What reads traces. SQLite answers on the calling thread, so these tasks are complete when they return.</content>
internal sealed partial class SqliteTraceStore
{
    private const string NowParameter = "$now";

    private static readonly string InfoColumns = TraceInfoRows.Columns(NowParameter);

    private const string SpanOrder = "ORDER BY s.parent_span_id IS NOT NULL, s.start_ns, s.span_id";

    private const string SpanColumns = """
        SELECT s.trace_id, s.span_id, s.otel_trace_id, s.parent_span_id, s.name, s.type, s.status, s.status_message, s.start_ns, s.end_ns, p.codec, p.payload
        FROM spans s LEFT JOIN span_payloads p ON p.trace_id = s.trace_id AND p.span_id = s.span_id
        WHERE s.trace_id = $traceId
        """;

    // With the owners of the frames that the contents are in.
    private const string SomeSpans = """
        AND s.span_id IN (
            SELECT value FROM json_each($ids)
            UNION
            SELECT lower(hex(substr(m.payload, 1, 8))) FROM span_payloads m WHERE m.trace_id = $traceId AND m.span_id IN (SELECT value FROM json_each($ids)) AND m.codec = 3)
        """;

    // The second part has the index of the rare traces whose id is not made of OpenTelemetry's.
    private const string ExperimentsOfOtelSql = """
        SELECT experiment_id FROM traces WHERE trace_id IN (SELECT 'tr-' || value FROM json_each($ids))
        UNION
        SELECT t.experiment_id FROM spans s JOIN traces t ON t.trace_id = s.trace_id
        WHERE s.otel_trace_id IN (SELECT value FROM json_each($ids)) AND s.trace_id <> 'tr-' || s.otel_trace_id
        """;

    public Task<IReadOnlyDictionary<string, long>> GetExperimentsAsync(IReadOnlyList<string> traceIds, CancellationToken cancellationToken)
    {
        using var connection = _database.OpenRead();
        return Task.FromResult<IReadOnlyDictionary<string, long>>(connection.Query<(string TraceId, long ExperimentId)>(
            "SELECT trace_id, experiment_id FROM traces WHERE trace_id IN (SELECT value FROM json_each($ids))", new { ids = JsonSerializer.Serialize(traceIds) })
            .ToDictionary(row => row.TraceId, row => row.ExperimentId));
    }

    public Task<IReadOnlyList<long>> GetExperimentsOfOtelAsync(IReadOnlyList<string> otelTraceIds, CancellationToken cancellationToken)
    {
        using var connection = _database.OpenRead();
        return Task.FromResult<IReadOnlyList<long>>(connection.Query<long>(ExperimentsOfOtelSql, new { ids = JsonSerializer.Serialize(otelTraceIds) }).AsList());
    }

    public Task<IReadOnlyList<TraceInfo>> GetInfosAsync(IReadOnlyList<string> traceIds, CancellationToken cancellationToken)
    {
        using var connection = _database.OpenRead();
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT {InfoColumns} FROM traces t WHERE t.trace_id IN (SELECT value FROM json_each($ids))";
        command.Parameters.AddWithValue("$ids", JsonSerializer.Serialize(traceIds));
        using var transaction = connection.BeginTransaction(deferred: true);
        command.Transaction = transaction;
        var found = ReadInfos(connection, command, null, _database.NowMs, transaction).ToDictionary(trace => trace.Info.TraceId, trace => trace.Info);
        return Task.FromResult<IReadOnlyList<TraceInfo>>([.. traceIds.Distinct().Where(found.ContainsKey).Select(id => found[id])]);
    }

    public Task<IReadOnlyList<string>> FindBySpanAsync(string spanId, CancellationToken cancellationToken)
    {
        using var search = _database.OpenSearch(cancellationToken);
        return Task.FromResult(search.Run<IReadOnlyList<string>>(connection =>
            connection.Query<string>($"SELECT trace_id FROM spans WHERE span_id = $spanId LIMIT {ITraceStore.MaxTracesOfASpan}", new { spanId }).AsList()));
    }

    public Task<IReadOnlyList<SpanRecord>> GetSpansAsync(string traceId, CancellationToken cancellationToken) => ReadSpansAsync(traceId, null, cancellationToken);

    public async Task<IReadOnlyList<SpanRecord>> GetSpansAsync(string traceId, IReadOnlyCollection<string> spanIds, CancellationToken cancellationToken)
    {
        var asked = spanIds.ToHashSet(StringComparer.Ordinal);
        return asked.Count == 0 ? [] : [.. (await ReadSpansAsync(traceId, JsonSerializer.Serialize(asked), cancellationToken).ConfigureAwait(false)).Where(span => asked.Contains(span.SpanId))];
    }

    public Task<IReadOnlyList<SpanRecord>> GetSkeletonAsync(string traceId, CancellationToken cancellationToken)
    {
        using var connection = _database.OpenRead();

        // Not by ADO.NET's reader: of very many rows it makes each text anew, and each figure on its way through three layers.
        using var statement = new SqliteStatement(connection, $"SELECT {SkeletonRows.Columns} FROM spans s WHERE s.trace_id = ?1").Bind(1, traceId);
        var rows = new SkeletonRows(traceId);
        Func<int, string?> text = column => statement.IsNull(column) ? null : rows.Once(statement.GetBlob(column));
        Func<int, long?> integer = statement.GetInt64OrNull;
        var spans = new List<SpanRecord>();
        while (statement.Read())
        {
            cancellationToken.ThrowIfCancellationRequested();
            spans.Add(rows.Read(text, integer));
        }

        // Here and not by SQLite, which would write down whole rows to sort them.
        spans.Sort(InSpanOrder);
        return Task.FromResult<IReadOnlyList<SpanRecord>>(spans);
    }

    // As SpanOrder.
    private static int InSpanOrder(SpanRecord one, SpanRecord other)
    {
        var order = (one.ParentSpanId is not null).CompareTo(other.ParentSpanId is not null);
        order = order != 0 ? order : one.StartNs.CompareTo(other.StartNs);
        return order != 0 ? order : string.CompareOrdinal(one.SpanId, other.SpanId);
    }

    /// <param name="traceId">The trace.</param>
    /// <param name="spanIds">JSON of the ids of those that are wanted, others may be among the spans; null for all.</param>
    /// <param name="cancellationToken">Gives up.</param>
    private async Task<IReadOnlyList<SpanRecord>> ReadSpansAsync(string traceId, string? spanIds, CancellationToken cancellationToken)
    {
        using var connection = _database.OpenRead();
        using var command = connection.CreateCommand();
        command.CommandText = $"{SpanColumns} {(spanIds is null ? "" : SomeSpans)} {SpanOrder}";
        command.Parameters.AddWithValue("$traceId", traceId);
        if (spanIds is not null)
        {
            command.Parameters.AddWithValue("$ids", spanIds);
        }

        using var reader = command.ExecuteReader();
        var spans = new List<StoredSpan>();
        while (reader.Read())
        {
            cancellationToken.ThrowIfCancellationRequested();
            var span = new SpanRecord
            {
                TraceId = reader.GetString(0),
                SpanId = reader.GetString(1),
                OtelTraceId = reader.GetString(2),
                ParentSpanId = Text(reader, 3),
                Name = reader.GetString(4),
                Type = reader.GetString(5),
                Status = ColumnText.Status(reader.GetString(6)),
                StatusMessage = Text(reader, 7),
                StartNs = reader.GetInt64(8),
                EndNs = Integer(reader, 9),
            };
            spans.Add(reader.IsDBNull(10) ? StoredSpan.Archived(span) : new StoredSpan(span, reader.GetInt32(10), reader.GetFieldValue<byte[]>(11)));
        }

        var archive = spans.Exists(span => span.IsArchived) ? connection.QuerySingleOrDefault<string>("SELECT archive FROM traces WHERE trace_id = $traceId", new { traceId }) : null;
        return WithLogs(connection, await ArchivedSpans.DecodeAsync(_database.SpanBlobs, traceId, spans, archive, cancellationToken).ConfigureAwait(false), spanIds);
    }

    /// <summary>Log records are shown as events of their spans.</summary>
    private static IReadOnlyList<SpanRecord> WithLogs(SqliteConnection connection, IReadOnlyList<SpanRecord> spans, string? spanIds)
    {
        var logs = connection.Query<(string TraceId, string SpanId, string Name, long TimeNs, string Attributes)>(
            $"""
            SELECT otel_trace_id, span_id, name, time_ns, attributes FROM span_logs
            WHERE otel_trace_id IN (SELECT value FROM json_each($ids)) {(spanIds is null ? "" : "AND span_id IN (SELECT value FROM json_each($spanIds))")} ORDER BY time_ns, rowid
            """,
            new { spanIds, ids = JsonSerializer.Serialize(spans.Select(span => span.OtelTraceId).Distinct()) })
            .ToLookup(log => (log.TraceId, log.SpanId), log => new SpanEventRecord(log.Name, log.TimeNs, SpanPayload.ReadObject(log.Attributes)));
        return logs.Count == 0
            ? spans
            : [.. spans.Select(span => logs.Contains((span.OtelTraceId, span.SpanId))
                ? span with { Sent = span.Sent ?? span, Events = [.. span.Events.Concat(logs[(span.OtelTraceId, span.SpanId)]).OrderBy(e => e.TimeNs)] }
                : span)];
    }

    public Task<TracePage> SearchAsync(TraceQuery query, CancellationToken cancellationToken)
    {
        TraceSql.RequirePageSize(query);
        var filter = TraceFilter.Parse(query.Filter);
        var orders = TraceOrder.Parse(query.OrderBy);
        if (query.ExperimentIds.Count == 0)
        {
            return Task.FromResult(new TracePage([], null));
        }

        using var search = _database.OpenSearch(cancellationToken);
        using var functions = new SearchFunctions(_database.SpanBlobs);
        var parameters = new SqlParameters();
        var conditions = new SqliteConditions(parameters, functions, search.Clock);
        var sql = new TraceSql(conditions);
        var keyset = sql.Keyset(orders);
        var start = keyset.Start(query.PageToken, conditions);
        var traces = search.Run(connection =>
        {
            // Index, traces, tags and metadata of one moment, even while the writer commits in between.
            using var transaction = connection.BeginTransaction(deferred: true);
            var few = new SqliteFewTraces(connection, search.Clock, functions).Condition(filter, conditions, orders[0].Field == TraceField.RequestTime ? query.PageSize + 1 : null);

            // One row more than the page tells whether there is another page.
            var select = $"""
                SELECT {InfoColumns}, {keyset.Select} FROM traces t WHERE {sql.Where(query, filter, few)} AND {start.Condition}
                ORDER BY {keyset.OrderBy} LIMIT {parameters.Add(query.PageSize + 1)} OFFSET {parameters.Add(start.Offset)}
                """;
            functions.Register(connection, search.Clock);
            using var command = connection.CreateCommand();
            command.CommandText = select;
            parameters.Bind(command);
            return ReadInfos(connection, command, keyset, search.Clock.StartMs, transaction);
        });
        string? token = null;
        if (traces.Count > query.PageSize)
        {
            traces.RemoveAt(query.PageSize);
            token = keyset.Token(traces[^1].Keys);
        }

        return Task.FromResult(new TracePage([.. traces.Select(trace => trace.Info)], token));
    }

    public Task<int> CountAsync(TraceQuery query, int limit, CancellationToken cancellationToken)
    {
        var filter = TraceFilter.Parse(query.Filter);
        if (query.ExperimentIds.Count == 0)
        {
            return Task.FromResult(0);
        }

        using var search = _database.OpenSearch(cancellationToken);
        using var functions = new SearchFunctions(_database.SpanBlobs);
        var parameters = new SqlParameters();
        var conditions = new SqliteConditions(parameters, functions, search.Clock);
        return Task.FromResult(search.Run(connection =>
        {
            using var transaction = connection.BeginTransaction(deferred: true);
            var where = new TraceSql(conditions).Where(query, filter, new SqliteFewTraces(connection, search.Clock, functions).Condition(filter, conditions, limit));
            functions.Register(connection, search.Clock);
            using var command = connection.CreateCommand();
            command.CommandText = $"SELECT COUNT(*) FROM (SELECT 1 FROM traces t WHERE {where} LIMIT {parameters.Add(limit)})";
            parameters.Bind(command);
            return (int)(long)command.ExecuteScalar()!;
        }));
    }

    private static List<TraceRow> ReadInfos(SqliteConnection connection, SqliteCommand command, Keyset? keyset, long nowMs, SqliteTransaction transaction)
    {
        command.Parameters.AddWithValue(NowParameter, nowMs);
        var traces = new List<TraceRow>();
        using (var reader = command.ExecuteReader())
        {
            while (reader.Read())
            {
                traces.Add(ReadRow(reader, keyset));
            }
        }

        var byId = traces.ToDictionary(trace => trace.Info.TraceId);
        var ids = JsonSerializer.Serialize(byId.Keys);
        foreach (var (traceId, key, value) in ReadPairs("trace_tags"))
        {
            byId[traceId].Tags[key] = value;
        }

        foreach (var (traceId, key, value) in ReadPairs("trace_metadata"))
        {
            byId[traceId].Metadata[key] = value;
        }

        foreach (var assessment in ReadAssessments(connection, transaction, ids))
        {
            byId[assessment.TraceId].Assessments.Add(assessment);
        }

        return traces;

        IEnumerable<(string TraceId, string Key, string Value)> ReadPairs(string table) => connection.Query<(string, string, string)>(
            $"SELECT trace_id, key, value FROM {table} WHERE trace_id IN (SELECT value FROM json_each($ids))", new { ids }, transaction);
    }

    private static IEnumerable<AssessmentRecord> ReadAssessments(SqliteConnection connection, SqliteTransaction transaction, string traceIds)
    {
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = $"SELECT {AssessmentRows.Columns} FROM assessments WHERE trace_id IN (SELECT value FROM json_each($ids)) ORDER BY trace_id, create_time_ms, rowid";
        command.Parameters.AddWithValue("$ids", traceIds);
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            yield return AssessmentRows.Read(column => Text(reader, column), reader.GetInt64);
        }
    }

    private static TraceRow ReadRow(SqliteDataReader reader, Keyset? keyset)
    {
        var (tags, metadata, assessments) = (new Dictionary<string, string>(), new Dictionary<string, string>(), new List<AssessmentRecord>());
        var info = TraceInfoRows.Read(column => Text(reader, column), column => Integer(reader, column), tags, metadata, assessments);
        var keys = new object?[keyset?.Count ?? 0];
        for (var i = 0; i < keys.Length; i++)
        {
            keys[i] = reader.IsDBNull(TraceInfoRows.Count + i) ? null : reader.GetValue(TraceInfoRows.Count + i);
        }

        return new TraceRow(info, tags, metadata, assessments, keys);
    }

    private static string? Text(SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    private static long? Integer(SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetInt64(column);

    /// <summary>A trace as it is being read, with the values of its order.</summary>
    private sealed record TraceRow(TraceInfo Info, Dictionary<string, string> Tags, Dictionary<string, string> Metadata, List<AssessmentRecord> Assessments, object?[] Keys);
}
