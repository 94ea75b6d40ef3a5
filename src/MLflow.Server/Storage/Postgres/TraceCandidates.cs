using System.Runtime.CompilerServices;
using MLflow.Server.Assessments;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Goes through the traces that may match a search, in its order, and says which do.</summary>
internal sealed class TraceCandidates
{
    private const int FirstChunk = 100;
    private const int MaxChunk = 800;

    private const string SelectSpansSql = $"SELECT {SpanRows.Columns} FROM spans s WHERE s.trace_id = ANY($1) AND s.bucket = ANY($2)";

    private const string SelectPayloadsSql = $"""
        SELECT {SpanRows.Columns}, {SpanRows.Payload} FROM {SpanRows.WithPayloads}
        WHERE s.trace_id = ANY($1) AND s.bucket = ANY($2) AND {SpanRows.IsHere} ORDER BY s.trace_id
        """;

    private readonly PostgresSession _session;
    private readonly SearchClock _clock;

    public TraceCandidates(PostgresSession session, SearchClock clock)
    {
        _session = session;
        _clock = clock;
    }

    /// <summary>Whether the database can tell all of the filter.</summary>
    public static bool IsExact(FilterTree<TraceCondition> filter) => filter.Kind == FilterTreeKind.Condition ? Reach(filter.Condition) == SqlReach.Exact : filter.Children.All(IsExact);

    /// <summary>The traces that match <paramref name="filter"/>, and for each whether it matches the <paramref name="others"/>.</summary>
    /// <param name="query">The search; its page token says where to begin.</param>
    /// <param name="filter">The search's filter.</param>
    /// <param name="orders">Its order.</param>
    /// <param name="others">Further filters.</param>
    /// <param name="wanted">How many traces the caller will take, as far as it knows.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async IAsyncEnumerable<(string TraceId, object?[] Keys, bool[] Others)> FindAsync(
        TraceQuery query,
        FilterTree<TraceCondition> filter,
        IReadOnlyList<TraceOrder> orders,
        IReadOnlyList<FilterTree<TraceCondition>> others,
        int wanted,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var few = await PostgresFewTraces.FindAsync(_session, _clock, filter).ConfigureAwait(false);

        // A page is found by going along an index. New partitions have no statistics, and what little they are thought to hold would be read whole.
        await _session.ExecuteAsync("SET LOCAL enable_seqscan = off").ConfigureAwait(false);
        var isExact = IsExact(filter);
        var text = new PostgresTextPlaces(_session, _clock, filter);
        var places = few is null ? await text.FewAsync().ConfigureAwait(false) : null;

        // Of a few traces the text is there sooner than what the index says of it.
        var asksEach = text.CanTell && few is null && places is null;
        var token = query.PageToken;
        var passOver = -1L;
        for (var limit = isExact ? Math.Min(wanted, MaxChunk) : FirstChunk; ; limit = Math.Min(2 * limit, MaxChunk))
        {
            _clock.ThrowIfOver();
            var parameters = new PostgresParameters();
            var conditions = new PostgresConditions(parameters, _clock);
            var sql = new TraceSql(conditions);
            var keyset = sql.Keyset(orders);
            var start = keyset.Start(token, conditions);
            var filters = new[] { filter }.Concat(others).Select((tree, i) =>
                new CandidateFilter<TraceCondition>(tree, Reach, TraceFilterSql.IsOfSpan, condition => Leaf(condition, conditions), isInWhere: i == 0)).ToList();

            // An offset counts what matches, not what may.
            passOver = passOver < 0 ? start.Offset : passOver;
            var place = asksEach ? "COALESCE((SELECT p.place FROM text_places p WHERE p.trace_id = t.trace_id), -1)" : "-1::bigint";
            var ofFew = few is not null ? conditions.In("t.trace_id", few)
                : places is not null ? $"t.trace_id IN (SELECT p.trace_id FROM text_places p WHERE p.place < 0 OR {conditions.In("p.place", places)})"
                : null;
            var select = $"""
                SELECT {string.Join(", ", new[] { "t.trace_id", "t.bucket", place, keyset.Select }.Concat(filters.SelectMany(each => each.Columns)))}
                FROM traces t WHERE {sql.Where(query, filters[0].Superset, ofFew)} AND {start.Condition}
                ORDER BY {keyset.OrderBy} LIMIT {parameters.Add((long)limit)}
                """;
            var rows = await _session.QueryAsync(select, row => Read(row, keyset.Count, filters), [.. parameters.Values]).ConfigureAwait(false);
            var may = asksEach ? await MayAsync(rows, text).ConfigureAwait(false) : rows;
            await ReadSpansAsync(may, filters, cancellationToken).ConfigureAwait(false);
            foreach (var row in may.Where(row => filters[0].Holds(row.Facts[0])))
            {
                if (passOver-- <= 0)
                {
                    passOver = 0;
                    yield return (row.TraceId, row.Keys, [.. filters.Skip(1).Select((each, i) => each.Holds(row.Facts[i + 1]))]);
                }
            }

            if (rows.Count < limit)
            {
                yield break;
            }

            token = keyset.Token(rows[^1].Keys);
        }
    }

    private static async Task<List<Candidate>> MayAsync(List<Candidate> rows, PostgresTextPlaces text)
    {
        await text.LoadAsync(rows.Where(row => row.TextPlace >= 0).Select(row => PostgresTextPlaces.SegmentOf(row.TextPlace))).ConfigureAwait(false);
        return rows.FindAll(row => row.TextPlace < 0 || text.May(row.TextPlace));
    }

    private Candidate Read(PostgresRow row, int keys, List<CandidateFilter<TraceCondition>> filters)
    {
        _clock.ThrowIfOver();
        var column = 3 + keys;
        return new Candidate(row.Text(0), row.Day(1), row.Int64(2), [.. Enumerable.Range(3, keys).Select(row.Value)], [.. filters.Select(filter => filter.Read(row, ref column))]);
    }

    private async Task ReadSpansAsync(List<Candidate> rows, List<CandidateFilter<TraceCondition>> filters, CancellationToken cancellationToken)
    {
        if (rows.Count == 0 || !filters.Exists(filter => filter.ReadsSpans))
        {
            return;
        }

        var withPayloads = filters.Exists(filter => filter.ReadsPayloads);
        var byId = rows.ToDictionary(row => row.TraceId);
        var ofTrace = new List<StoredSpan>();
        PostgresValue ids = byId.Keys.ToArray();
        PostgresValue buckets = rows.Select(row => row.Bucket).Distinct().ToArray();
        await foreach (var row in _session.StreamAsync(withPayloads ? SelectPayloadsSql : SelectSpansSql, [ids, buckets], cancellationToken).ConfigureAwait(false))
        {
            _clock.ThrowIfOver();
            if (!withPayloads)
            {
                Add(SpanRows.ReadColumns(row));
                continue;
            }

            // Spans of a trace share their content, so they are decoded together.
            var span = SpanRows.Read(row);
            if (ofTrace.Count > 0 && ofTrace[0].Columns.TraceId != span.Columns.TraceId)
            {
                AddTrace();
            }

            ofTrace.Add(span);
        }

        AddTrace();

        void AddTrace()
        {
            Array.ForEach(StoredSpan.Decode(ofTrace, _session.Blobs.Read, withMedia: false), Add);
            ofTrace.Clear();
        }

        void Add(SpanRecord span)
        {
            var content = new SpanContent(span);
            for (var i = 0; i < filters.Count; i++)
            {
                filters[i].Add(content, byId[span.TraceId].Facts[i]);
            }
        }
    }

    private static SqlReach Reach(TraceCondition condition) => condition.Field switch
    {
        TraceField.Text or TraceField.SpanContent or TraceField.SpanAttribute or TraceField.Prompt => SqlReach.None,
        _ when condition.Operator == FilterOperator.Like => SqlReach.Superset,
        _ => TextMatch.IsPattern(condition.Operator) ? SqlReach.None : SqlReach.Exact,
    };

    private CandidateLeaf Leaf(TraceCondition condition, PostgresConditions conditions)
    {
        switch (condition.Field)
        {
            case TraceField.SpanContent or TraceField.SpanAttribute:
                return new CandidateLeaf { Span = SpanMatch.Create(condition, _clock), IsOfSpan = true, ReadsPayload = true };
            case TraceField.SpanName or TraceField.SpanType or TraceField.SpanStatus:
                return new CandidateLeaf { Span = OfColumn(condition), IsOfSpan = true };
            case TraceField.Text:
                return new CandidateLeaf { Texts = "ARRAY[t.request_preview, t.response_preview]", Matches = Pattern(condition), Span = SpanMatch.Create(condition, _clock), ReadsPayload = true };
            case TraceField.Prompt:
                var prompt = (string)condition.Values[0];
                return new CandidateLeaf
                {
                    Texts = Pairs("trace_tags", LinkedPrompts.Tag, conditions),
                    Matches = json => LinkedPrompts.Read(json).Exists(linked => $"{linked.Name}/{linked.Version}" == prompt),
                };
        }

        return TextMatch.IsPattern(condition.Operator)
            ? new CandidateLeaf { Texts = Texts(condition, conditions), Matches = Pattern(condition) }
            : new CandidateLeaf { Sql = new TraceConditionSql(conditions).Condition(condition) };
    }

    private Predicate<string> Pattern(TraceCondition condition) => TextMatch.Create(condition.Operator, (string)condition.Values[0], _clock);

    private static string Texts(TraceCondition condition, PostgresConditions conditions) => condition.Field switch
    {
        TraceField.Tag => Pairs("trace_tags", condition.Key!, conditions),
        TraceField.Metadata => Pairs("trace_metadata", condition.Key!, conditions),
        TraceField.RunId => Pairs("trace_metadata", TraceKeys.SourceRun, conditions),
        TraceField.Feedback => $"ARRAY({new TraceConditionSql(conditions).AssessedValues(AssessmentType.Feedback, condition.Key)})",
        TraceField.Expectation => $"ARRAY({new TraceConditionSql(conditions).AssessedValues(AssessmentType.Expectation, condition.Key)})",
        _ => $"ARRAY[{TraceSql.Expression(condition.Field, condition.Key, conditions)}]",
    };

    private static string Pairs(string table, string key, PostgresConditions conditions) => $"ARRAY(SELECT x.value FROM {table} x WHERE x.trace_id = t.trace_id AND x.key = {conditions.Value(key)})";

    private Predicate<SpanContent> OfColumn(TraceCondition condition)
    {
        Func<SpanContent, string> text = condition.Field switch
        {
            TraceField.SpanName => span => span.Span.Name,
            TraceField.SpanType => span => span.Span.Type,
            _ => span => ColumnText.Of(span.Span.Status),
        };
        switch (condition.Operator)
        {
            case FilterOperator.Equal or FilterOperator.In:
                return span => condition.Values.Contains(text(span));
            case FilterOperator.NotEqual or FilterOperator.NotIn:
                return span => !condition.Values.Contains(text(span));
            default:
                var matches = Pattern(condition);
                return span => matches(text(span));
        }
    }

    /// <summary>A trace that may match, with what is known of it for each filter.</summary>
    private sealed record Candidate(string TraceId, DateOnly Bucket, long TextPlace, object?[] Keys, CandidateFacts[] Facts);
}
