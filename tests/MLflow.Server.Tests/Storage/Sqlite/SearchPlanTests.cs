using Microsoft.Data.Sqlite;
using MLflow.Server.Assessments;
using MLflow.Server.Storage;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Storage.Sqlite;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Filters;
using Xunit;

namespace MLflow.Server.Tests.Storage.Sqlite;

/// <summary>That what clients look up by is found by an index, and that values stay out of the SQL.</summary>
public sealed class SearchPlanTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private SqliteDatabase _database = null!;

    public ValueTask InitializeAsync()
    {
        _database = SqliteDatabase.Open(_folder.File("mlflow.db"), TimeProvider.System);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("", "SEARCH t USING INDEX traces_by_time (experiment_id=?)")]
    [InlineData("timestamp_ms > 5", "SEARCH t USING INDEX traces_by_time (experiment_id=? AND request_time_ms>?)")]
    [InlineData("tags.a = 'b' AND timestamp_ms > 5", "SEARCH t USING INDEX traces_by_time (experiment_id=? AND request_time_ms>?)")]
    [InlineData("request_id = 'tr-1'", "SEARCH t USING INDEX sqlite_autoindex_traces_1 (trace_id=?)")]
    [InlineData("request_id IN ('tr-1', 'tr-2') AND status = 'OK'", "SEARCH t USING INDEX sqlite_autoindex_traces_1 (trace_id=?)")]
    [InlineData("client_request_id = 'r'", "SEARCH t USING INDEX traces_by_client_request (client_request_id=?)")]
    [InlineData("run_id = 'r'", "SEARCH t USING INDEX sqlite_autoindex_traces_1 (trace_id=?)", "trace_metadata_by_run (value=?)", "trace_runs_by_run (run_id=?)")]
    [InlineData("metadata.mlflow.trace.session = 's'", "SEARCH t USING INDEX sqlite_autoindex_traces_1 (trace_id=?)", "trace_metadata_by_session (value=?)")]
    [InlineData("tags.a = 'b'", "USING PRIMARY KEY (trace_id=? AND key=?)")]
    [InlineData("span.name = 'a' AND span.content LIKE '%b%'", "USING INDEX sqlite_autoindex_spans_1 (trace_id=?)", "USING INDEX sqlite_autoindex_span_payloads_1 (trace_id=? AND span_id=?)")]
    [InlineData("feedback.a = 'b'", "USING INDEX assessments_by_trace (trace_id=?)", "USING INDEX assessments_by_session (<expr>=? AND name=?)")]
    public void Plan_OfFilter_UsesTheIndices(string filter, params string[] steps)
    {
        var plan = Plan(filter, [], out _);

        Assert.All(steps, step => Assert.Contains(step, plan, StringComparison.Ordinal));
        Assert.DoesNotContain("SCAN", plan, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tags.a = 'b'", "SEARCH x USING COVERING INDEX trace_tags_by_value (key=? AND <expr>=?)")]
    [InlineData("metadata.a = 'b'", "SEARCH x USING COVERING INDEX trace_metadata_by_value (key=? AND <expr>=?)")]
    [InlineData("metadata.mlflow.trace.user = 'b'", "SEARCH x USING COVERING INDEX trace_metadata_by_user (value=?)")]
    [InlineData("metadata.mlflow.trace.session = 'b'", "SEARCH x USING COVERING INDEX trace_metadata_by_session (value=?)")]
    [InlineData("metadata.mlflow.trace.tokenUsage = 'b'")]
    [InlineData("tags.a != 'b'")]
    [InlineData("tags.a LIKE 'b'")]
    [InlineData("name = 'b'", "SEARCH x USING COVERING INDEX trace_tags_by_value (key=? AND <expr>=?)", "SEARCH x USING INDEX traces_by_name (<expr>=?)")]
    [InlineData("status = 'ERROR'", "SCAN x USING COVERING INDEX traces_by_error")]
    [InlineData("status = 'OK'")]
    [InlineData("span.name = 'b'", "SEARCH x USING INDEX spans_by_name (<expr>=?)")]
    [InlineData("span.name IN ('b', 'c')", "SEARCH x USING INDEX spans_by_name (<expr>=?)")]
    [InlineData("span.status = 'ERROR'", "SCAN x USING COVERING INDEX spans_by_error")]
    [InlineData("span.status = 'OK'")]
    [InlineData("feedback.a = 'b'", "SEARCH x USING INDEX assessments_by_value (<expr>=? AND <expr>=?)",
        "SEARCH x USING INDEX assessments_by_value (<expr>=? AND <expr>=?)\nSEARCH m USING COVERING INDEX trace_metadata_by_session (value=?)")]
    [InlineData("expectation.a IS NOT NULL", "SEARCH x USING INDEX assessments_by_value (<expr>=?)",
        "SEARCH x USING INDEX assessments_by_value (<expr>=?)\nSEARCH m USING COVERING INDEX trace_metadata_by_session (value=?)")]
    [InlineData("feedback.a = '5'", "SEARCH x USING INDEX assessments_by_value (<expr>=? AND <expr>=?)", "SEARCH x USING INDEX assessments_by_number (<expr>=? AND value_number=?)",
        "SEARCH x USING INDEX assessments_by_value (<expr>=? AND <expr>=?)\nSEARCH m USING COVERING INDEX trace_metadata_by_session (value=?)",
        "SEARCH x USING INDEX assessments_by_number (<expr>=? AND value_number=?)\nSEARCH m USING COVERING INDEX trace_metadata_by_session (value=?)")]
    public void Plan_OfWhatFindsFew_ReadsAnIndexAlone(string filter, params string[] plans)
    {
        var clock = new SearchClock(TimeProvider.System, TimeSpan.FromMinutes(1), default);
        using var connection = _database.OpenRead();
        var parameters = new SqlParameters();
        var lookups = TraceLookups.Of(TraceFilter.Parse(filter).Condition, new SqliteConditions(parameters, new SearchFunctions(), clock));

        Assert.Equal(plans, lookups.Select(lookup => Explain(connection, lookup + " LIMIT 1001", parameters)));
    }

    [Fact]
    public void Plan_OfFewTraces_BeginsFromThem() =>
        Assert.Contains("SEARCH t USING INDEX sqlite_autoindex_traces_1 (trace_id=?)", Plan("tags.a = 'b' AND status = 'OK' AND timestamp_ms > 5", ["timestamp_ms DESC"], out _, ["tr-1", "tr-2"]), StringComparison.Ordinal);

    [Theory]
    [InlineData("tags.rare = 'a'")]
    [InlineData("metadata.rare = 'a'")]
    [InlineData("metadata.mlflow.trace.user = 'a'")]
    [InlineData("name = 'rare'")]
    [InlineData("status = 'ERROR'")]
    [InlineData("span.name = 'rare'")]
    [InlineData("span.status = 'ERROR'")]
    [InlineData("feedback.rare = 'a'")]
    [InlineData("feedback.rare IS NOT NULL")]
    [InlineData("tags.rare = 'a' OR feedback.rare = 'a'")]
    [InlineData("tags.all = 'a' AND (tags.rare = 'a' OR name = 'rare') AND NOT tags.rare = 'b'")]
    public async Task Search_OfWhatOneOfManyHas_TakesAFifthOfAWalkAtMost(string filter)
    {
        var time = new SteppingTime(TimeSpan.FromMilliseconds(1));
        await using var database = SqliteDatabase.Open(_folder.File("many.db"), time);
        var store = new SqliteTraceStore(database);
        var rare = await FillAsync(store);

        var walk = await LooksAsync(store, time, "tags.rare LIKE 'a'", [rare]);
        Assert.InRange(walk, 20, 10_000);
        Assert.InRange(await LooksAsync(store, time, filter, [rare]), 0, walk / 5);
    }

    [Theory]
    [InlineData("tags.all = 'a'")]
    [InlineData("span.name = 'span'")]
    [InlineData("tags.third = 'a'")]
    public async Task Search_OfWhatManyHave_EndsWithItsPage(string filter)
    {
        var time = new SteppingTime(TimeSpan.FromMilliseconds(1));
        await using var database = SqliteDatabase.Open(_folder.File("many.db"), time);
        var store = new SqliteTraceStore(database);
        await FillAsync(store);

        Assert.InRange(await LooksAsync(store, time, filter, null), 0, 14);
    }

    private static async Task<int> LooksAsync(SqliteTraceStore store, SteppingTime time, string filter, IReadOnlyList<string>? expected)
    {
        var before = time.Looks;
        var found = (await store.SearchAsync(new TraceQuery { ExperimentIds = [0], Filter = filter, PageSize = 10 }, Xunit.TestContext.Current.CancellationToken)).Traces;
        if (expected is null)
        {
            Assert.Equal(10, found.Count);
        }
        else
        {
            Assert.Equal(expected, found.Select(trace => trace.TraceId));
        }

        return time.Looks - before;
    }

    /// <summary>Stores 5,000 traces, and returns the one that has what the others have not.</summary>
    private static async Task<string> FillAsync(SqliteTraceStore store)
    {
        var ids = Enumerable.Range(0, 5000).Select(_ => SomeTrace.NewOtelId()).ToList();
        var all = new Dictionary<string, string> { ["all"] = "a" };
        var third = new Dictionary<string, string>(all) { ["third"] = "a" };
        await store.WriteAsync(
            new TraceBatch
            {
                Spans = [.. ids.Select((id, i) => SomeTrace.Span(id, 1, name: i == 0 ? "rare" : "span", status: i == 0 ? SpanStatus.Error : SpanStatus.Ok))],
                Infos = [.. ids.Select((id, i) => SomeTrace.Info(id, state: i == 0 ? TraceState.Error : TraceState.Ok, startMs: i) with { Tags = i % 3 == 1 ? third : all })],
            },
            Xunit.TestContext.Current.CancellationToken);
        var rare = SomeTrace.Info(ids[0], state: TraceState.Error);
        await store.WriteAsync(
            new TraceBatch
            {
                Infos =
                [
                    rare with
                    {
                        Tags = new Dictionary<string, string>(all) { ["rare"] = "a" },
                        Metadata = new Dictionary<string, string> { ["rare"] = "a", ["mlflow.trace.user"] = "a" },
                        Assessments =
                        [
                            new() { AssessmentId = "a-1", TraceId = rare.TraceId, Name = "rare", Type = AssessmentType.Feedback, Value = "\"a\"", SourceType = "HUMAN", CreateTimeMs = 1, LastUpdateTimeMs = 1 },
                        ],
                    },
                ],
            },
            Xunit.TestContext.Current.CancellationToken);
        return rare.TraceId;
    }

    [Fact]
    public void Plan_NewestFirst_NeedsNoSorting() => Assert.DoesNotContain("TEMP B-TREE", Plan("tags.a = 'b'", ["timestamp_ms DESC"], out _), StringComparison.Ordinal);

    [Theory]
    [InlineData("name = 'ZZ' OR name LIKE 'ZZ%' OR name RLIKE 'ZZ' AND NOT tags.`ZZ` = \"ZZ\"")]
    [InlineData("tags.`ZZ'); DROP TABLE traces; --` = 'ZZ\" OR 1=1; --' AND status IN ('ZZ', 'ZZ2') AND execution_time > 9.25")]
    [InlineData("span.attributes.`ZZ` = 'ZZ' AND span.content LIKE 'ZZ' AND trace.text ILIKE 'ZZ' AND prompt = 'ZZ/1' AND run_id = 'ZZ' AND feedback.ZZ = 'ZZ' AND metadata.mlflow.trace.session = 'ZZ'")]
    public void Sql_OfFilter_HoldsNothingThatTheCallerWrote(string filter)
    {
        Plan(filter, ["tags.`ZZ` DESC", "metadata.ZZ"], out var sql);

        Assert.DoesNotContain("ZZ", sql, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("DROP", sql, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("9.25", sql, StringComparison.Ordinal);
    }

    private string Plan(string filter, IReadOnlyList<string> orderBy, out string select, IReadOnlyCollection<string>? few = null)
    {
        var clock = new SearchClock(TimeProvider.System, TimeSpan.FromMinutes(1), default);
        var (parameters, functions) = (new SqlParameters(), new SearchFunctions());
        var conditions = new SqliteConditions(parameters, functions, clock);
        var sql = new TraceSql(conditions);
        var keyset = sql.Keyset(TraceOrder.Parse(orderBy));
        var where = sql.Where(new TraceQuery { ExperimentIds = [0] }, TraceFilter.Parse(filter), few is null ? null : conditions.In("t.trace_id", few));
        select = $"SELECT t.root_name, {keyset.Select} FROM traces t WHERE {where} ORDER BY {keyset.OrderBy} LIMIT 100";
        using var connection = _database.OpenRead();
        functions.Register(connection, clock);
        return Explain(connection, select, parameters);
    }

    private static string Explain(SqliteConnection connection, string select, SqlParameters parameters)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "EXPLAIN QUERY PLAN " + select;
        parameters.Bind(command);
        using var reader = command.ExecuteReader();
        var steps = new List<string>();
        while (reader.Read())
        {
            steps.Add(reader.GetString(3));
        }

        return string.Join('\n', steps);
    }
}
