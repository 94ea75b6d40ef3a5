using MLflow.Server.Traces;
using Xunit;
using static MLflow.Server.Tests.Storage.SomeTrace;

namespace MLflow.Server.Tests.Storage;

public abstract partial class TraceStoreConformance
{
    [Theory]
    [InlineData("timestamp_ms DESC")]
    [InlineData("timestamp_ms ASC")]
    [InlineData("execution_time DESC")]
    [InlineData("execution_time ASC")]
    [InlineData("tags.color ASC")]
    [InlineData("tags.color DESC")]
    [InlineData("name DESC", "status ASC")]
    [InlineData("request_id DESC")]
    [InlineData]
    public async Task Search_PageByPage_NeitherRepeatsNorSkips(params string[] orderBy)
    {
        // Ties in every key, and traces that lack the key.
        var ids = new List<string>();
        for (var i = 0; i < 23; i++)
        {
            var id = NewOtelId();
            ids.Add("tr-" + id);
            await Store.WriteAsync(Batch(Span(id, 1, name: $"n{i % 3}", startMs: i % 4, durationMs: i % 5 == 0 ? null : i % 5)), Cancellation);
            if (i % 3 > 0)
            {
                await Store.SetTagAsync("tr-" + id, "color", i % 2 == 0 ? "red" : "blue", Cancellation);
            }
        }

        var query = new TraceQuery { ExperimentIds = [0], OrderBy = orderBy, PageSize = 500 };
        var whole = (await Store.SearchAsync(query, Cancellation)).Traces.Select(trace => trace.TraceId).ToList();
        var paged = new List<string>();
        string? token = null;
        do
        {
            var page = await Store.SearchAsync(query with { PageSize = 4, PageToken = token }, Cancellation);
            paged.AddRange(page.Traces.Select(trace => trace.TraceId));
            token = page.NextPageToken;
        }
        while (token is not null);

        Assert.Equal(ids.Order(), whole.Order());
        Assert.Equal(whole, paged);
    }

    [Fact]
    public async Task Search_ByAKeyThatSomeLack_PutsThoseLastInBothDirections()
    {
        var (with, without) = (NewOtelId(), NewOtelId());
        await Store.WriteAsync(Batch(Span(without, 1), Span(with, 1)), Cancellation);
        await Store.SetTagAsync("tr-" + with, "k", "v", Cancellation);

        foreach (var direction in (string[])["ASC", "DESC"])
        {
            var page = await Store.SearchAsync(new TraceQuery { ExperimentIds = [0], OrderBy = ["tags.k " + direction] }, Cancellation);
            Assert.Equal(["tr-" + with, "tr-" + without], page.Traces.Select(trace => trace.TraceId));
        }
    }

    [Theory]
    [InlineData("", "a b c")]
    [InlineData("status = 'OK'", "a")]
    [InlineData("attributes.status != 'OK'", "b c")]
    [InlineData("trace.status IN ('ERROR', 'IN_PROGRESS')", "b c")]
    [InlineData("status NOT IN ('ERROR')", "a c")]
    [InlineData("status LIKE 'E%'", "b")]
    [InlineData("name = 'Ask'", "a")]
    [InlineData("name LIKE 'ask'", "")]
    [InlineData("name ILIKE 'as_'", "a")]
    [InlineData("name LIKE '%s*%'", "b")]
    [InlineData("name RLIKE '^A.k$'", "a")]
    [InlineData("name IS NULL", "c")]
    [InlineData("name IS NOT NULL AND status = 'ERROR'", "b")]
    [InlineData("timestamp_ms > 1795399326000", "b c")]
    [InlineData("timestamp <= 1795399326010", "a b")]
    [InlineData("execution_time_ms >= 200", "b")]
    [InlineData("end_time = 1795399326100", "a")]
    [InlineData("execution_time < 150.5", "a")]
    [InlineData("tags.env = 'prod'", "a")]
    [InlineData("tag.env != 'prod'", "b")]
    [InlineData("tags.env IS NULL", "c")]
    [InlineData("tags.`my key` = 'x y'", "b")]
    [InlineData("tags.\"my key\" = \"x y\"", "b")]
    [InlineData("metadata.mlflow.trace.session = 's-1'", "a")]
    [InlineData("request_metadata.`mlflow.trace.session` LIKE 's%'", "a")]
    [InlineData("metadata.mlflow.trace.session IS NOT NULL", "a")]
    [InlineData("client_request_id = 'r-1'", "a")]
    [InlineData("request_id LIKE 'tr-%'", "a b c")]
    [InlineData("span.type = 'TOOL'", "b c")]
    [InlineData("span.type = 'TOOL' AND span.status = 'ERROR'", "b")]
    [InlineData("span.name = 'Ask' AND span.type = 'TOOL'", "")]
    [InlineData("span.name IN ('search', 'nope') AND status = 'IN_PROGRESS'", "c")]
    [InlineData("status = 'OK' and and name = 'Ask' AND", "a")]
    [InlineData("status='OK'AND name='Ask'", "a")]
    public async Task Search_Filter_FindsWhatItSays(string filter, string expected)
    {
        var names = new Dictionary<string, string>();
        string New(string name)
        {
            var id = NewOtelId();
            names["tr-" + id] = name;
            return id;
        }

        var (a, b, c) = (New("a"), New("b"), New("c"));
        await Store.WriteAsync(
            Batch(
                Span(a, 1, name: "Ask", attributes: [("session.id", "\"s-1\"")]),
                Span(b, 1, name: "s*", status: SpanStatus.Error, startMs: 10, durationMs: 200),
                Span(b, 2, parent: 1, name: "search", type: "TOOL", status: SpanStatus.Error, startMs: 11),
                Span(c, 2, parent: 1, name: "search", type: "TOOL", startMs: 20)),
            Cancellation);
        await Store.WriteAsync(new TraceBatch { Infos = [Info(a) with { ClientRequestId = "r-1" }] }, Cancellation);
        await Store.SetTagAsync("tr-" + a, "env", "prod", Cancellation);
        await Store.SetTagAsync("tr-" + b, "env", "test", Cancellation);
        await Store.SetTagAsync("tr-" + b, "my key", "x y", Cancellation);

        var query = new TraceQuery { ExperimentIds = [0], Filter = filter };
        var page = await Store.SearchAsync(query, Cancellation);

        Assert.Equal(expected, string.Join(' ', page.Traces.Select(trace => names[trace.TraceId]).Order()));
        Assert.Equal(page.Traces.Count, await Store.CountAsync(query, 100, Cancellation));
    }

    [Theory]
    [InlineData("status = 'OK' OR status = 'ERROR'", "Invalid clause(s) in filter string: 'OR'")]
    [InlineData("NOT status", "Invalid clause(s) in filter string: 'NOT'")]
    [InlineData("(name = 'a')", "Invalid clause(s) in filter string: '('")]
    [InlineData("timestamp_ms BETWEEN 1 AND 2", "Invalid clause(s) in filter string: 'BETWEEN'")]
    [InlineData("status = OK", "Parameter value is either not quoted or unidentified quote types used for string value OK. Use either single or double quotes.")]
    [InlineData("foo.bar = 'x'", "Invalid entity type 'foo'. Valid values are {")]
    [InlineData("feedback.score > 0.5", "Expected a quoted string value for feedback (e.g. 'my-value'). Got value 0.5")]
    [InlineData("feedback.score > '0.5'", "assessment.score comparator '>' not one of '{")]
    [InlineData("expectation.score IN ('1')", "Expected a quoted string value for expectation (e.g. 'my-value'). Got value ('1')")]
    [InlineData("state = 'OK'", "Invalid attribute key 'state' specified. Valid keys are '{")]
    [InlineData("name > 'a'", "Invalid comparator '>' not one of '{")]
    [InlineData("name IN ('a')", "Invalid comparator 'IN' not one of '{")]
    [InlineData("status IS NULL", "Invalid comparator 'IS NULL' not one of '{")]
    [InlineData("timestamp_ms IN (1)", "While parsing a list in the query, expected string value")]
    [InlineData("timestamp_ms IN ('1')", "Only attributes in {")]
    [InlineData("status IN ()", "While parsing a list in the query, expected a non-empty list of string values, but got empty list")]
    [InlineData("status IN ('a',5)", "expected string value, punctuation, or whitespace, but got different type in list: ('a', 5)")]
    [InlineData("metadata.x IN ('1')", "Expected a quoted string value for request_metadata (e.g. 'my-value'). Got value ('1')")]
    [InlineData("tags.x = 5", "Expected a quoted string value for tag (e.g. 'my-value'). Got value 5")]
    [InlineData("span.foo = 'x'", "Invalid span attribute 'foo'.")]
    [InlineData("name = 'a'; name = 'b'", "Search filter contained multiple expression")]
    [InlineData("name = 'a", "Invalid clause(s) in filter string: ''a'. The quote at position 8 is not closed.")]
    [InlineData("timestamp_ms > 'soon'", "Expected a numeric value for 'timestamp_ms'.")]
    [InlineData("name RLIKE '('", "Invalid regular expression '('")]
    [InlineData("name =", "(at position 7)")]
    public async Task Search_WrongFilter_SaysWhatIsWrong(string filter, string message)
    {
        var exception = await Assert.ThrowsAsync<MlflowException>(() => Store.SearchAsync(new TraceQuery { ExperimentIds = [0], Filter = filter }, Cancellation));

        Assert.Equal(ErrorCode.INVALID_PARAMETER_VALUE, exception.ErrorCode);
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Search_FilterWithoutEnd_IsRefused()
    {
        var filter = "name = '" + new string('x', 10_000) + "'";

        var exception = await Assert.ThrowsAsync<MlflowException>(() => Store.SearchAsync(new TraceQuery { ExperimentIds = [0], Filter = filter }, Cancellation));

        Assert.Equal("The filter has 10009 characters; at most 10000 are allowed.", exception.Message);
    }

    [Theory]
    [InlineData("timestamp_ms SIDEWAYS", "Invalid ordering key in order_by clause 'timestamp_ms SIDEWAYS'.")]
    [InlineData("name DESC, status ASC", "Invalid order_by clause 'name DESC, status ASC'. Could not be parsed.")]
    [InlineData("span.name", "Invalid identifier type 'span'")]
    [InlineData("request_time", "Invalid attribute key 'request_time' specified.")]
    public async Task Search_WrongOrder_SaysWhatIsWrong(string orderBy, string message)
    {
        var exception = await Assert.ThrowsAsync<MlflowException>(() => Store.SearchAsync(new TraceQuery { ExperimentIds = [0], OrderBy = [orderBy] }, Cancellation));

        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("eyJvZmZzZXQiOiAxfQ==")]
    [InlineData("WzFd")]
    public async Task Search_WrongToken_IsRefused(string token)
    {
        var exception = await Assert.ThrowsAsync<MlflowException>(() => Store.SearchAsync(new TraceQuery { ExperimentIds = [0], PageToken = token }, Cancellation));

        Assert.StartsWith("Invalid page token, could not base64-decode", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Search_Experiments_AreKeptApartAndJoined()
    {
        var other = await Experiments.CreateAsync("other", null, new Dictionary<string, string>(), Cancellation);
        var (here, there) = (NewOtelId(), NewOtelId());
        await Store.WriteAsync(Batch(Span(here, 1)), Cancellation);
        await Store.WriteAsync(new TraceBatch { Spans = [Span(there, 1)], ExperimentId = other.ExperimentId }, Cancellation);

        Assert.Equal("tr-" + there, Assert.Single((await Store.SearchAsync(new TraceQuery { ExperimentIds = [other.ExperimentId] }, Cancellation)).Traces).TraceId);
        Assert.Equal(2, (await Store.SearchAsync(new TraceQuery { ExperimentIds = [0, other.ExperimentId] }, Cancellation)).Traces.Count);
        Assert.Empty((await Store.SearchAsync(new TraceQuery { ExperimentIds = [] }, Cancellation)).Traces);
        Assert.Empty((await Store.SearchAsync(new TraceQuery { ExperimentIds = [777] }, Cancellation)).Traces);
        Assert.Equal(2, (await Store.SearchAsync(new TraceQuery { ExperimentIds = [.. Enumerable.Range(0, 50_000)] }, Cancellation)).Traces.Count);
    }
}
