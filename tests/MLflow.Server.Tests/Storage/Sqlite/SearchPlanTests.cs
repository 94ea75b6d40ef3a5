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

    private string Plan(string filter, IReadOnlyList<string> orderBy, out string select)
    {
        var clock = new SearchClock(TimeProvider.System, TimeSpan.FromMinutes(1), default);
        var (parameters, functions) = (new SqlParameters(), new SearchFunctions());
        var sql = new TraceSql(new SqliteConditions(parameters, functions, clock));
        var keyset = sql.Keyset(TraceOrder.Parse(orderBy));
        var where = sql.Where(new TraceQuery { ExperimentIds = [0] }, TraceFilter.Parse(filter));
        select = $"SELECT t.root_name, {keyset.Select} FROM traces t WHERE {where} ORDER BY {keyset.OrderBy} LIMIT 100";
        using var connection = _database.OpenRead();
        functions.Register(connection, clock);
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
