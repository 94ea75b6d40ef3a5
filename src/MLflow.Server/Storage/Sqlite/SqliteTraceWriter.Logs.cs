using System.Security.Cryptography;
using System.Text;
using MLflow.Server.Conventions;
using MLflow.Server.Pricing;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sqlite;

/// <content>Log records, and mapping again: both write a stored span once more, from what was sent and from all that is known of it by now.</content>
internal static partial class SqliteTraceWriter
{
    /// <summary>Spans mapped again in one transaction, so that others write in between.</summary>
    private const int RemapChunk = 200;

    private const long MillisecondsOfAnHour = 3_600_000;

    public static void WriteLogs(SqliteWriteSession session, IReadOnlyList<SpanLogRecord> logs, CallPricer pricer)
    {
        var now = session.TimeProvider.GetUtcNow().ToUnixTimeMilliseconds();
        session[DeleteLostLogsSql].Bind(1, now - ITraceStore.LogWaitHours * MillisecondsOfAnHour).Execute();
        var spans = new HashSet<(string TraceId, string SpanId)>();
        var seen = new Dictionary<(string TraceId, string SpanId, string Text), int>();
        foreach (var log in logs)
        {
            var attributes = SpanPayload.WriteObject(log.Event.Attributes);
            var text = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{log.Event.TimeNs} {log.Event.Name} {attributes}");

            // Two equal records in one request are two: the same was said twice.
            seen[(log.OtelTraceId, log.SpanId, text)] = seen.GetValueOrDefault((log.OtelTraceId, log.SpanId, text)) + 1;
            var inserted = session[InsertLogSql]
                .Bind(1, log.OtelTraceId)
                .Bind(2, log.SpanId)
                .Bind(3, Hash(text, seen[(log.OtelTraceId, log.SpanId, text)]))
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

        var stored = spans.SelectMany(span => ReadSpans(session[SelectSpanOfLogSql].Bind(1, span.TraceId).Bind(2, span.SpanId), out _)).ToList();
        WriteAgain(session, stored, pricer);
    }

    /// <summary>False when all spans are mapped by the current version.</summary>
    public static bool Remap(SqliteWriteSession session, CallPricer pricer)
    {
        var state = session[SelectMappingSql];
        state.Read();
        var (version, done) = (state.GetInt64(0), state.GetInt64(1));
        state.Reset();
        if (version == ConventionMapper.Version)
        {
            return false;
        }

        var spans = ReadSpans(session[SelectSpansAfterSql].Bind(1, done).Bind(2, RemapChunk), out var last);
        WriteAgain(session, spans, pricer);
        session[UpdateMappingSql].Bind(1, spans.Count < RemapChunk ? ConventionMapper.Version : version).Bind(2, spans.Count < RemapChunk ? 0 : last).Execute();
        return spans.Count == RemapChunk;
    }

    private static void WriteAgain(SqliteWriteSession session, List<SpanRecord> spans, CallPricer pricer)
    {
        foreach (var trace in TraceRows.From(spans, pricer))
        {
            // The trace is there, so its experiment stays.
            WriteSpans(session, 0, trace);
        }
    }

    private static List<SpanRecord> ReadSpans(SqliteStatement rows, out long last)
    {
        var spans = new List<SpanRecord>();
        last = 0;
        while (rows.Read())
        {
            last = rows.GetInt64(0);
            var span = new SpanRecord
            {
                TraceId = rows.GetString(1)!,
                SpanId = rows.GetString(2)!,
                OtelTraceId = rows.GetString(3)!,
                ParentSpanId = rows.GetString(4),
                Name = rows.GetString(5)!,
                Type = rows.GetString(6)!,
                Status = SqliteText.Status(rows.GetString(7)!),
                StatusMessage = rows.GetString(8),
                StartNs = rows.GetInt64(9),
                EndNs = rows.GetInt64OrNull(10),
            };
            span = SpanPayload.Decode(span, (int)rows.GetInt64(11), rows.GetBlob(12));
            spans.Add(span.Sent ?? span);
        }

        return spans;
    }

    private static TraceRows WithLogs(SqliteWriteSession session, TraceRows trace)
    {
        var logs = new Dictionary<(string TraceId, string SpanId), List<SpanEventRecord>>();
        foreach (var traceId in trace.Spans.Select(span => span.Record.OtelTraceId).Distinct())
        {
            var rows = session[SelectLogsSql].Bind(1, traceId);
            while (rows.Read())
            {
                var key = (traceId, rows.GetString(0)!);
                if (!logs.TryGetValue(key, out var ofSpan))
                {
                    logs.Add(key, ofSpan = []);
                }

                ofSpan.Add(new SpanEventRecord(rows.GetString(1)!, rows.GetInt64(2), SpanPayload.ReadObject(rows.GetString(3)!)));
            }
        }

        if (logs.Count == 0)
        {
            return trace;
        }

        foreach (var (traceId, spanId) in trace.Spans.Select(span => (span.Record.OtelTraceId, span.Record.SpanId)).Where(logs.ContainsKey))
        {
            session[SettleLogsSql].Bind(1, traceId).Bind(2, spanId).Execute();
        }

        return trace.With(logs);
    }

    private static byte[] Hash(string text, int occurrence) =>
        SHA256.HashData(Encoding.UTF8.GetBytes(occurrence == 1 ? text : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{occurrence} {text}"))).AsSpan(0, 16).ToArray();
}
