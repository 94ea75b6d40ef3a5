using Microsoft.Data.Sqlite;
using MLflow.Server.Blobs;
using MLflow.Server.Conventions;
using MLflow.Server.Pricing;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sqlite;

/// <content>Log records, and mapping again: both write a stored span once more, from what was sent and from all that is known of it by now.</content>
internal static partial class SqliteTraceWriter
{
    /// <summary>Spans mapped again in one transaction, so that others write in between.</summary>
    private const int RemapChunk = 200;

    private const long MillisecondsOfAnHour = 3_600_000;

    public static void WriteLogs(SqliteWriteSession session, IReadOnlyList<LogRow> logs, CallPricer pricer, Func<string, BlobContent> blobs)
    {
        var now = session.NowMs;
        session[DeleteLostLogsSql].Bind(1, now - ITraceStore.LogWaitHours * MillisecondsOfAnHour).Execute();
        var spans = new HashSet<(string TraceId, string SpanId)>();
        foreach (var (log, attributes, hash) in logs)
        {
            var inserted = session[InsertLogSql]
                .Bind(1, log.OtelTraceId)
                .Bind(2, log.SpanId)
                .Bind(3, hash)
                .Bind(4, log.Event.Name)
                .Bind(5, log.Event.TimeNs)
                .Bind(6, attributes)
                .Bind(7, now)
                .Execute();
            if (inserted == 1)
            {
                spans.Add((log.OtelTraceId, log.SpanId));
            }
        }

        var stored = spans.SelectMany(span => ReadSpans(session[SelectSpanOfLogSql].Bind(1, span.TraceId).Bind(2, span.SpanId))).ToList();
        foreach (var trace in TraceRows.Of([.. stored.Select(span => Try(session, span, pricer, blobs)).OfType<SpanRow>()], pricer))
        {
            Write(session, trace);
            See(session, trace.TraceId, null);
        }
    }

    public static RemapResult Remap(SqliteWriteSession session, CallPricer pricer, Func<string, BlobContent> blobs)
    {
        var state = session[SelectMappingSql];
        state.Read();
        var (version, done, target) = (state.GetInt64(0), state.GetInt64(1), state.GetInt64(2));
        state.Reset();
        if (version == ConventionMapper.Version)
        {
            return new RemapResult(IsMore: false);
        }

        // What was done, an older version may have done.
        done = target == ConventionMapper.Version ? done : 0;
        var stored = ReadSpans(session[SelectSpansAfterSql].Bind(1, done).Bind(2, RemapChunk));
        var rows = new List<SpanRow>(stored.Count);
        var failures = new List<Exception>();
        foreach (var span in stored)
        {
            try
            {
                rows.Add(Again(session, span, pricer, blobs));
            }
            catch (Exception e) when (e is not (SqliteException or OutOfMemoryException))
            {
                // One span that cannot be mapped stays as it is, and keeps no other from it.
                failures.Add(e);
            }
        }

        foreach (var trace in TraceRows.Of(rows, pricer))
        {
            Write(session, trace);
        }

        var isMore = stored.Count == RemapChunk;
        session[UpdateMappingSql].Bind(1, isMore ? version : ConventionMapper.Version).Bind(2, isMore ? stored[^1].RowId : 0).Bind(3, ConventionMapper.Version).Execute();
        return new RemapResult(isMore, failures.Count, failures.FirstOrDefault());
    }

    /// <summary>As the other; null where the span cannot be had whole: its log records are shown with it all the same.</summary>
    private static SpanRow? Try(SqliteWriteSession session, StoredSpan span, CallPricer pricer, Func<string, BlobContent> blobs)
    {
        try
        {
            return Again(session, span, pricer, blobs);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private static SpanRow Again(SqliteWriteSession session, StoredSpan span, CallPricer pricer, Func<string, BlobContent> blobs) =>
        new(span.Sent(blobs), ReadLogs(session, span.Columns.OtelTraceId, span.Columns.SpanId), pricer);

    private static List<StoredSpan> ReadSpans(SqliteStatement rows)
    {
        var spans = new List<StoredSpan>();
        while (rows.Read())
        {
            var columns = new SpanRecord
            {
                TraceId = rows.GetString(1)!,
                SpanId = rows.GetString(2)!,
                OtelTraceId = rows.GetString(3)!,
                ParentSpanId = rows.GetString(4),
                Name = rows.GetString(5)!,
                Type = rows.GetString(6)!,
                Status = ColumnText.Status(rows.GetString(7)!),
                StatusMessage = rows.GetString(8),
                StartNs = rows.GetInt64(9),
                EndNs = rows.GetInt64OrNull(10),
            };
            spans.Add(new StoredSpan(columns, (int)rows.GetInt64(11), rows.GetBlob(12).ToArray()) { RowId = rows.GetInt64(0), Owner = rows.GetBlob(13) is { IsEmpty: false } owner ? owner.ToArray() : null });
        }

        return spans;
    }

    private static TraceRows WithLogs(SqliteWriteSession session, TraceRows trace)
    {
        var logs = new Dictionary<(string TraceId, string SpanId), List<SpanEventRecord>>();
        foreach (var ofTrace in trace.Spans.GroupBy(span => span.Record.OtelTraceId).Where(ofTrace => HasLogs(session, ofTrace.Key)))
        {
            foreach (var spanId in ofTrace.Select(span => span.Record.SpanId))
            {
                if (ReadLogs(session, ofTrace.Key, spanId) is { Count: > 0 } ofSpan)
                {
                    logs.Add((ofTrace.Key, spanId), ofSpan);
                }
            }
        }

        return logs.Count == 0 ? trace : trace.With(logs);
    }

    private static bool HasLogs(SqliteWriteSession session, string otelTraceId)
    {
        var rows = session[SelectAnyLogSql].Bind(1, otelTraceId);
        var has = rows.Read();
        rows.Reset();
        return has;
    }

    /// <summary>The log records of a span that is stored now, which therefore do not wait any more.</summary>
    private static List<SpanEventRecord> ReadLogs(SqliteWriteSession session, string otelTraceId, string spanId)
    {
        var logs = new List<SpanEventRecord>();
        var rows = session[SelectLogsSql].Bind(1, otelTraceId).Bind(2, spanId);
        while (rows.Read())
        {
            logs.Add(new SpanEventRecord(rows.GetString(0)!, rows.GetInt64(1), SpanPayload.ReadObject(rows.GetString(2)!)));
        }

        if (logs.Count > 0)
        {
            session[SettleLogsSql].Bind(1, otelTraceId).Bind(2, spanId).Execute();
        }

        return logs;
    }
}
