using MLflow.Server.Pricing;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Puts spans and infos into the writer's transaction. The outcome for a trace does not depend on which of them come first.</summary>
internal static partial class SqliteTraceWriter
{
    /// <summary>Writes spans of a trace.</summary>
    /// <param name="session">The transaction.</param>
    /// <param name="experimentId">The trace's, where it is new.</param>
    /// <param name="trace">The spans.</param>
    /// <param name="info">What came with them; written into the trace's row where that is new.</param>
    /// <returns>Whether the trace is new.</returns>
    public static bool WriteSpans(SqliteWriteSession session, long experimentId, TraceRows trace, TraceInfo? info)
    {
        trace = WithLogs(session, trace);
        if (!InsertTrace(session, new NewTraceRow(experimentId, trace, info)))
        {
            Write(session, trace);
            See(session, trace.TraceId, trace.LeaseMs);
            return false;
        }

        foreach (var span in trace.Spans)
        {
            UpsertSpan(session, span, isNew: true);
        }

        WriteDerivedMetadata(session, trace.TraceId, trace.Summary, isNew: true);
        return true;
    }

    /// <summary>Writes an info.</summary>
    /// <param name="session">The transaction.</param>
    /// <param name="info">The info.</param>
    /// <param name="isInRow">Whether the trace's row was made with it in this transaction.</param>
    public static void WriteInfo(SqliteWriteSession session, TraceInfo info, bool isInRow)
    {
        var row = new NewTraceRow(info.ExperimentId, null, info);
        if (!isInRow && !InsertTrace(session, row))
        {
            UpdateInfo(session, row);
        }

        foreach (var (key, value) in info.Metadata)
        {
            session[UpsertMetadataSql].Bind(1, info.TraceId).Bind(2, key).Bind(3, value).Bind(4, 0).Execute();
        }

        foreach (var (key, value) in info.Tags)
        {
            session[UpsertTagSql].Bind(1, info.TraceId).Bind(2, key).Bind(3, value).Execute();
        }

        foreach (var assessment in info.Assessments)
        {
            SqliteAssessmentWriter.Insert(session, assessment);
        }
    }

    private static void UpdateInfo(SqliteWriteSession session, NewTraceRow row) => BindRow(session[UpdateInfoSql], row).Bind(25, session.NowMs).Execute();

    /// <summary>Spans of a trace that is there.</summary>
    private static void Write(SqliteWriteSession session, TraceRows trace)
    {
        FreeMembers(session, trace);
        var written = trace.Spans.Where(span => UpsertSpan(session, span, isNew: false)).ToList();
        if (written.Count == 0)
        {
            return;
        }

        // What follows for the trace, follows from all its spans.
        var summary = TraceSummary.From(ReadSpanFacts(session, trace.TraceId));
        UpdateTrace(session, trace.TraceId, written, summary);
        WriteDerivedMetadata(session, trace.TraceId, summary, isNew: false);
    }

    /// <summary>Gives spans their own content again whose frame is another span's that is about to be written over.</summary>
    private static void FreeMembers(SqliteWriteSession session, TraceRows trace)
    {
        HashSet<string>? replaced = null;
        foreach (var owner in trace.Spans.Select(span => span.Record.SpanId))
        {
            var row = session[SelectOwnerSql].Bind(1, trace.TraceId).Bind(2, owner);
            var frame = row.Read() ? row.GetBlob(0).ToArray() : null;
            row.Reset();
            if (frame is null)
            {
                continue;
            }

            // Those that have ended are written over in any case.
            replaced ??= [.. trace.Spans.Where(span => span.Record.EndNs is not null).Select(span => span.Record.SpanId)];
            var members = new List<(string SpanId, byte[] Payload)>();
            var rows = session[SelectMembersSql].Bind(1, trace.TraceId).Bind(2, owner);
            while (rows.Read())
            {
                members.Add((rows.GetString(0)!, rows.GetBlob(1).ToArray()));
            }

            foreach (var (spanId, payload) in members.Where(member => !replaced.Contains(member.SpanId)))
            {
                if (PayloadFrame.Freed(payload, frame) is { } freed)
                {
                    session[UpsertPayloadSql].Bind(1, trace.TraceId).Bind(2, spanId).Bind(3, freed.Codec).Bind(4, freed.Payload).Execute();
                }
            }
        }
    }

    /// <summary>Somebody has spoken of the trace just now.</summary>
    private static void See(SqliteWriteSession session, string traceId, long? leaseMs) =>
        session[SeeTraceSql].Bind(1, traceId).Bind(2, session.NowMs).Bind(3, leaseMs).Execute();

    private static bool InsertTrace(SqliteWriteSession session, NewTraceRow row)
    {
        var statement = BindRow(session[InsertTraceSql], row);
        return statement.Bind(25, session.NowMs).Bind(26, row.LeaseMs).Execute() == 1;
    }

    /// <summary>Parameters 1 to 24, the same for a trace that is new and for an info of one that is there.</summary>
    private static SqliteStatement BindRow(SqliteStatement statement, NewTraceRow row)
    {
        BindSummary(statement, row.RequestTimeMs, row.DurationMs, row.State, row.RequestPreview, row.ResponsePreview, row.Facts);
        return statement.Bind(1, row.TraceId).Bind(2, row.ExperimentId).Bind(22, row.ClientRequestId).Bind(23, (long)row.Settled).Bind(24, row.AnnouncedSpanCount);
    }

    private static void UpdateTrace(SqliteWriteSession session, string traceId, IReadOnlyList<SpanRow> written, TraceSummary summary)
    {
        // Null when the root came with another batch, which has set the previews then.
        var root = NewTraceRow.Root(written, summary);
        var statement = session[UpdateTraceSql].Bind(1, traceId).Bind(2, root is null ? 0 : 1);
        BindSummary(statement, summary.RequestTimeMs, summary.DurationMs, summary.State, NewTraceRow.RequestPreviewOf(root), NewTraceRow.ResponsePreviewOf(root), summary.Facts);
        statement.Execute();
    }

    /// <summary>Parameters 3 to 21, the same in both statements.</summary>
    private static void BindSummary(SqliteStatement statement, long requestTimeMs, long? durationMs, TraceState state, string? requestPreview, string? responsePreview, TraceFacts facts) =>
        statement
            .Bind(3, requestTimeMs)
            .Bind(4, durationMs)
            .Bind(5, ColumnText.Of(state))
            .Bind(6, requestPreview)
            .Bind(7, responsePreview)
            .Bind(8, facts.Name)
            .Bind(9, facts.Model)
            .Bind(10, facts.InputTokens)
            .Bind(11, facts.OutputTokens)
            .Bind(12, facts.TotalTokens)
            .Bind(13, facts.CachedInputTokens)
            .Bind(14, facts.FirstTokenMs)
            .Bind(15, facts.ErrorType)
            .Bind(16, facts.ErrorMessage)
            .Bind(17, facts.StreamEnd)
            .Bind(18, facts.SpanCount)
            .Bind(19, facts.Cost?.Input)
            .Bind(20, facts.Cost?.Output)
            .Bind(21, facts.UnpricedCalls);

    /// <returns>False when what is stored is newer, or the row says no more than that the span runs.</returns>
    private static bool UpsertSpan(SqliteWriteSession session, SpanRow row, bool isNew)
    {
        var record = row.Record;
        var facts = row.Facts;
        var written = session[UpsertSpanSql]
            .Bind(1, record.TraceId)
            .Bind(2, record.SpanId)
            .Bind(3, record.OtelTraceId)
            .Bind(4, record.ParentSpanId)
            .Bind(5, record.Name)
            .Bind(6, record.Type)
            .Bind(7, ColumnText.Of(record.Status))
            .Bind(8, record.StatusMessage)
            .Bind(9, record.StartNs)
            .Bind(10, record.EndNs)
            .Bind(11, facts.Model)
            .Bind(12, facts.InputTokens)
            .Bind(13, facts.OutputTokens)
            .Bind(14, facts.TotalTokens)
            .Bind(15, facts.CachedInputTokens)
            .Bind(16, facts.FirstTokenMs)
            .Bind(17, facts.StreamEnd)
            .Bind(18, facts.ErrorType)
            .Bind(19, facts.ErrorMessage)
            .Bind(20, facts.Cost?.Input)
            .Bind(21, facts.Cost?.Output)
            .Bind(22, facts.Session)
            .Bind(23, facts.User)
            .Bind(24, record.LeaseMs is null ? 0 : 1)
            .Execute();
        if (written == 0)
        {
            return false;
        }

        session[UpsertPayloadSql].Bind(1, record.TraceId).Bind(2, record.SpanId).Bind(3, row.Codec).Bind(4, row.Payload).Execute();
        if (row.Blobs.Count > 0 || !isNew)
        {
            SqliteBlobLedger.Refer(session, record.TraceId, record.SpanId, row.Blobs);
        }

        return true;
    }

    private static List<SpanFacts> ReadSpanFacts(SqliteWriteSession session, string traceId)
    {
        var spans = new List<SpanFacts>();
        var rows = session[SelectSpanFactsSql].Bind(1, traceId);
        while (rows.Read())
        {
            spans.Add(new SpanFacts
            {
                SpanId = rows.GetString(0)!,
                ParentSpanId = rows.GetString(1),
                Name = rows.GetString(2)!,
                Status = ColumnText.Status(rows.GetString(3)!),
                StartNs = rows.GetInt64(4),
                EndNs = rows.GetInt64OrNull(5),
                Model = rows.GetString(6),
                InputTokens = rows.GetInt64OrNull(7),
                OutputTokens = rows.GetInt64OrNull(8),
                TotalTokens = rows.GetInt64OrNull(9),
                CachedInputTokens = rows.GetInt64OrNull(10),
                FirstTokenMs = rows.GetInt64OrNull(11),
                StreamEnd = rows.GetString(12),
                ErrorType = rows.GetString(13),
                ErrorMessage = rows.GetString(14),
                Cost = rows.GetInt64OrNull(15) is { } input ? new CallCost(input, rows.GetInt64(16)) : null,
                Session = rows.GetString(17),
                User = rows.GetString(18),
            });
        }

        return spans;
    }

    private static void WriteDerivedMetadata(SqliteWriteSession session, string traceId, TraceSummary summary, bool isNew)
    {
        if (summary.Tokens.Any)
        {
            Write(TraceKeys.TokenUsage, summary.Tokens.ToJson());
        }

        if (summary.Facts is { Cost: { } cost, UnpricedCalls: 0 })
        {
            Write(TraceKeys.Cost, cost.ToJson());
        }
        else if (!isNew)
        {
            // A sum without a part of it would be read as the whole.
            session[DeleteDerivedMetadataSql].Bind(1, traceId).Bind(2, TraceKeys.Cost).Execute();
        }

        Write(TraceKeys.Session, summary.Session);
        Write(TraceKeys.User, summary.User);

        void Write(string key, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                session[UpsertMetadataSql].Bind(1, traceId).Bind(2, key).Bind(3, value).Bind(4, 1).Execute();
            }
        }
    }
}
