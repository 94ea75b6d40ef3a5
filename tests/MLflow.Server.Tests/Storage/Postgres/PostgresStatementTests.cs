using System.Text.RegularExpressions;
using MLflow.Server.Storage.Postgres;
using MLflow.Server.Traces;
using Xunit;
using static MLflow.Server.Tests.Storage.SomeTrace;

namespace MLflow.Server.Tests.Storage.Postgres;

/// <summary>What the database is really asked, read from its log: that it is found by an index, and on one machine where the tables are distributed.</summary>
public sealed partial class PostgresStatementTests : IClassFixture<FilledPostgres>
{
    private readonly FilledPostgres _filled;

    public PostgresStatementTests(FilledPostgres filled)
    {
        PostgresCluster.SkipWhereMissing();
        _filled = filled;
    }

    private static CancellationToken Cancellation => Xunit.TestContext.Current.CancellationToken;

    private PostgresTraceStore Store => _filled.Store;

    [Theory]
    [InlineData("", "traces_by_time")]
    [InlineData("timestamp_ms > 1795399336000", "traces_by_time")]
    [InlineData("execution_time_ms > 100", "traces_by_time")]
    [InlineData("end_time_ms > 100", "traces_by_time")]
    [InlineData("status = 'ERROR'", "traces_by_state")]
    [InlineData("status = 'OK'", "traces_by_time")]
    [InlineData("status IN ('ERROR', 'INTERRUPTED')", "traces_by_time")]
    [InlineData("request_id = 'tr-8'", "traces_pkey")]
    [InlineData("client_request_id = 'r-8'", "traces_by_client_request")]
    [InlineData("name = 'name-8'", "trace_tags_by_value", "traces_by_name", "traces_pkey")]
    [InlineData("name = 'name-8' OR name = 'name-9' OR name = 'name-10'", "traces_by_time", "trace_tags_pkey")]
    [InlineData("run_id = 'run-8'", "trace_metadata_by_run", "trace_runs_by_run")]
    [InlineData("cost > 0.1", "traces_by_time")]
    [InlineData("prompt = 'p/1'", "traces_by_time")]
    [InlineData("trace.text ILIKE '%nothing%'", "traces_by_time")]
    [InlineData("tags.env = 'env-8'", "trace_tags_by_value")]
    [InlineData("tags.env != 'env-8'", "traces_by_time")]
    [InlineData("tags.none IS NULL", "traces_by_time")]
    [InlineData("metadata.mlflow.trace.user = 'u-8'", "trace_metadata_by_value")]
    [InlineData("metadata.mlflow.trace.session = 's-8'", "trace_metadata_by_session")]
    [InlineData("span.name = 'span-8'", "spans_60261101_left_idx", "traces_pkey")]
    [InlineData("span.name IN ('span-8', 'span-9')", "traces_by_time", "spans_60261101_pkey")]
    [InlineData("span.status = 'ERROR'", "spans_60261101_status_idx")]
    [InlineData("span.type = 'TOOL' AND span.status = 'OK'", "traces_by_time", "spans_60261101_pkey")]
    [InlineData("span.attributes.k = 'v'", "traces_by_time", "spans_60261101_pkey", "span_payloads_60261101_pkey")]
    [InlineData("span.content LIKE '%v%'", "traces_by_time", "spans_60261101_pkey", "span_payloads_60261101_pkey")]
    [InlineData("feedback.helpful = 'true'", "traces_by_time", "assessments_pkey")]
    [InlineData("feedback.helpful != 'true'", "traces_by_time", "assessments_pkey")]
    [InlineData("feedback.helpful = 'false'", "assessments_by_value", "trace_metadata_by_session", "traces_pkey")]
    [InlineData("tags.env = 'env-8' OR feedback.helpful = 'false'", "trace_tags_by_value", "assessments_by_value", "traces_pkey")]
    [InlineData("feedback.score = '7.0'", "assessments_by_value", "assessments_by_number", "traces_pkey")]
    [InlineData("expectation.right = '1'", "assessments_by_value")]
    [InlineData("issue.id = 'i'", "assessments_by_value")]
    public async Task Search_ByWhatIsDocumented_IsFoundByAnIndex(string filter, params string[] indices)
    {
        var before = _filled.LogLength;

        await Store.SearchAsync(new TraceQuery { ExperimentIds = [0], Filter = filter, PageSize = 20 }, Cancellation);

        var plans = await PlansAsync(before);
        Assert.All(indices, index => Assert.Contains(index, plans, StringComparison.Ordinal));
        Assert.DoesNotMatch(SeqScan(), plans);
    }

    [Fact]
    public async Task Page_FarFromTheFirst_IsFoundByItsPlaceInTheOrder()
    {
        var page = await Store.SearchAsync(new TraceQuery { ExperimentIds = [0], PageSize = 500 }, Cancellation);
        var before = _filled.LogLength;

        await Store.SearchAsync(new TraceQuery { ExperimentIds = [0], PageSize = 20, PageToken = page.NextPageToken }, Cancellation);

        var plan = Assert.Single(Plan().Matches(await _filled.LogAsync(before)).Select(match => match.Value), plan => plan.Contains("FROM traces t WHERE t.experiment_id IN", StringComparison.Ordinal));
        Assert.Contains("traces_by_time", plan, StringComparison.Ordinal);
        Assert.DoesNotContain("->  Sort", plan, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Statements_OfWhatIsDoneAllTheTime_NameTheTraceOrAreLists()
    {
        var before = _filled.LogLength;
        var (id, logged) = (NewOtelId(), NewOtelId());
        var many = Enumerable.Range(0, 600).Select(_ => Span(NewOtelId(), 1)).ToArray();
        await Store.WriteAsync(Batch([.. many, Span(id, 1), Span(logged, 1)]), Cancellation);
        await Store.WriteAsync(Batch(Span(id, 1), Span(id, 2, parent: 1)), Cancellation);
        await Store.WriteAsync(new TraceBatch { Infos = [Info(id) with { Tags = new Dictionary<string, string> { ["a"] = "b" }, Metadata = new Dictionary<string, string> { ["a"] = "b" } }] }, Cancellation);
        await Store.WriteLogsAsync([new SpanLogRecord(logged, SpanId(1), new SpanEventRecord("gen_ai.user.message", 5, []))], Cancellation);
        await Store.SetTagAsync("tr-" + id, "k", "v", Cancellation);
        await Store.DeleteTagAsync("tr-" + id, "k", Cancellation);
        await Store.LinkToRunAsync(["tr-" + id, "tr-" + logged], "run", Cancellation);
        await Store.LinkPromptsAsync("tr-" + id, [new PromptVersion("p", "1")], Cancellation);
        await Store.GetInfosAsync(["tr-" + id], Cancellation);
        await Store.GetSpansAsync("tr-" + id, Cancellation);
        await Store.GetExperimentsAsync(["tr-" + id], Cancellation);
        await Store.GetExperimentsOfOtelAsync([id], Cancellation);
        foreach (var filter in (string[])["", "tags.a = 'b'", "run_id = 'run'", "span.attributes.k = 'v'", "feedback.k = 'v'"])
        {
            await Store.SearchAsync(new TraceQuery { ExperimentIds = [0], Filter = filter }, Cancellation);
        }

        await Store.DeleteAsync(new TraceDeletion { ExperimentId = 0, TraceIds = ["tr-" + id, "tr-" + logged] }, Cancellation);
        await Store.DeleteAsync(new TraceDeletion { ExperimentId = 0, MaxTimestampMs = StartMs + 5000, MaxTraces = 2 }, Cancellation);

        var statements = Statement().Matches(await _filled.LogAsync(before)).Select(match => match.Groups[1].Value).Where(sql => Distributed().IsMatch(sql)).Distinct().ToList();

        Assert.InRange(statements.Count, 30, 200);
        Assert.All(statements, sql => Assert.True(TraceId().IsMatch(sql) || List().IsMatch(sql) || Some().IsMatch(sql), $"names no trace and is no list with ORDER BY and LIMIT: {sql}"));

        // Rows of several machines are locked one after the other, and none is computed by a subquery where rows are replaced.
        Assert.All(statements.Where(sql => sql.Contains("FOR UPDATE", StringComparison.Ordinal)), sql => Assert.Matches(@"WHERE trace_id = \$1", sql));
        Assert.DoesNotContain(statements, sql => sql.Contains("SET trace_id", StringComparison.Ordinal));
    }

    /// <summary>The plans that were logged behind a place.</summary>
    private async Task<string> PlansAsync(long from) => string.Join('\n', Plan().Matches(await _filled.LogAsync(from)).Select(match => match.Value));

    [GeneratedRegex(@"Seq Scan on (spans|span_payloads|traces|trace_tags|trace_metadata|assessments|trace_runs)")]
    private static partial Regex SeqScan();

    [GeneratedRegex(@"LOG:  duration: [0-9.]+ ms  plan:\n(\t.*\n)+")]
    private static partial Regex Plan();

    [GeneratedRegex(@"LOG:  (?:execute [^:]*|statement): (.*(?:\n\t.*)*)")]
    private static partial Regex Statement();

    [GeneratedRegex(@"\b(FROM|INTO|UPDATE|JOIN|USING|COPY) (traces|trace_tags|trace_metadata|trace_runs|spans|span_payloads|assessments|span_logs|trace_aliases)\b")]
    private static partial Regex Distributed();

    [GeneratedRegex(@"trace_id\s*(=|IN\b)|(INSERT INTO|COPY) [a-z_]+( AS [a-z])? \((otel_)?(trace_id|assessment_id, trace_id)\b")]
    private static partial Regex TraceId();

    [GeneratedRegex(@"ORDER BY[\s\S]*LIMIT")]
    private static partial Regex List();

    // Ids of traces, in no order: each machine gives as many at most.
    [GeneratedRegex(@"^SELECT \w\.trace_id FROM [\s\S]* LIMIT \$\d+$")]
    private static partial Regex Some();
}
