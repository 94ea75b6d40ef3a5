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

    [Theory]
    [InlineData("tokens DESC", "a b c d", 1, 2, 0, 3)]
    [InlineData("tokens ASC", "a b c d", 0, 2, 1, 3)]
    [InlineData("first_token_ms DESC", "a b c d", 2, 0, 1, 3)]
    [InlineData("first_token_ms", "a b c d", 0, 2, 1, 3)]
    public async Task Search_ByFiguresOfCalls_OrdersByThemAndPutsThoseWithoutLast(string orderBy, string names, params int[] expected)
    {
        (int? Tokens, int? FirstToken)[] calls = [(5, 40), (70, null), (6, 300), (null, null)];
        foreach (var (name, i) in names.Split(' ').Select((name, i) => (name, i)))
        {
            List<(string, string)> attributes = [];
            if (calls[i].Tokens is { } tokens)
            {
                attributes.Add(("mlflow.chat.tokenUsage", $$"""{"input_tokens": {{tokens}}, "output_tokens": 0}"""));
            }

            if (calls[i].FirstToken is { } firstToken)
            {
                attributes.Add(("mlflow.stream.time_to_first_token_ms", firstToken.ToString(System.Globalization.CultureInfo.InvariantCulture)));
            }

            await Store.WriteAsync(Batch(Span(NewOtelId(), 1, name: name, startMs: -i, attributes: [.. attributes])), Cancellation);
        }

        var found = new List<string?>();
        string? token = null;
        do
        {
            var page = await Store.SearchAsync(new TraceQuery { ExperimentIds = [0], OrderBy = [orderBy], PageSize = 1, PageToken = token }, Cancellation);
            found.AddRange(page.Traces.Select(trace => trace.Facts.Name));
            token = page.NextPageToken;
        }
        while (token is not null);

        Assert.Equal(expected.Select(i => names.Split(' ')[i]), found);
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
    [InlineData("AND", "a b c")]
    [InlineData("name = 'Ask';", "a")]
    [InlineData("\"name\" = 'Ask'", "a")]
    [InlineData("timestamp_ms > '1795399326000'", "b c")]
    [InlineData("name = 'Ask' OR status = 'IN_PROGRESS'", "a c")]
    [InlineData("name = 'Ask' or name = 's*' and status = 'OK'", "a")]
    [InlineData("(name = 'Ask' OR name = 's*') AND status = 'ERROR'", "b")]
    [InlineData("NOT status = 'OK'", "b c")]
    [InlineData("NOT (status = 'OK' OR execution_time > 100)", "c")]
    [InlineData("NOT tags.env = 'prod'", "b c")]
    [InlineData("NOT NOT tags.env = 'prod'", "a")]
    [InlineData("NOT execution_time > 0", "c")]
    [InlineData("NOT span.type = 'TOOL'", "a")]
    [InlineData("span.type = 'TOOL' AND NOT span.status = 'ERROR'", "c")]
    [InlineData("span.name = 'search' AND (span.type = 'CHAIN' OR span.status = 'ERROR')", "b")]
    [InlineData("span.name = 'Ask' AND (span.type = 'TOOL' OR tags.env = 'prod')", "a")]
    [InlineData("(span.name = 'nope' OR status = 'OK') AND (span.type = 'nope' OR name = 'Ask')", "a")]
    [InlineData("span.attributes.session.id = 's-1'", "a")]
    [InlineData("span.attributes.session.id = '\"s-1\"'", "a")]
    [InlineData("span.attributes.`session.id` LIKE 's-%'", "a")]
    [InlineData("span.attributes.session.id IS NULL", "b c")]
    [InlineData("span.attributes.session.id IS NOT NULL AND span.name = 'Ask'", "a")]
    [InlineData("span.attributes.session.id IN ('s-0', 's-1')", "a")]
    [InlineData("span.attributes.n > 4.5", "b")]
    [InlineData("span.attributes.n <= '5'", "b")]
    [InlineData("span.attributes.n = '5.0'", "b")]
    [InlineData("span.attributes.n != '5'", "")]
    [InlineData("span.attributes.n NOT IN ('4')", "b")]
    [InlineData("span.attributes.q LIKE '%東京%'", "b")]
    [InlineData("span.content LIKE '%東京%'", "b")]
    [InlineData("span.attributes.q RLIKE '^\\{.*Tokyo'", "b")]
    [InlineData("span.content LIKE '%\"type\": \"TOOL\"%'", "b c")]
    [InlineData("span.content LIKE '%\"n\": 5%' AND span.type = 'TOOL'", "b")]
    [InlineData("span.content ILIKE '%TOKYO%' AND span.name = 's*'", "")]
    [InlineData("trace.text LIKE '%in \"Tokyo\"%'", "b")]
    [InlineData("trace.text LIKE '%東京%'", "b")]
    [InlineData("trace.text ILIKE '%ÉTÉ%'", "b")]
    [InlineData("trace.text LIKE '%ÉTÉ%'", "")]
    [InlineData("NOT trace.text LIKE '%東京%'", "a c")]
    [InlineData("trace.text LIKE '%东%'", "")]
    [InlineData("prompt = 'greeting/2'", "c")]
    [InlineData("prompt = 'greeting/3'", "")]
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
                Span(b, 2, parent: 1, name: "search", type: "TOOL", status: SpanStatus.Error, startMs: 11, attributes: [("n", "5"), ("q", """{"q": "what to do in \"Tokyo\"? \u6771京, été"}""")]),
                Span(c, 2, parent: 1, name: "search", type: "TOOL", startMs: 20)),
            Cancellation);
        await Store.WriteAsync(new TraceBatch { Infos = [Info(a) with { ClientRequestId = "r-1" }] }, Cancellation);
        await Store.SetTagAsync("tr-" + a, "env", "prod", Cancellation);
        await Store.SetTagAsync("tr-" + b, "env", "test", Cancellation);
        await Store.SetTagAsync("tr-" + b, "my key", "x y", Cancellation);
        await Store.SetTagAsync("tr-" + b, "mlflow.linkedPrompts", "not JSON", Cancellation);
        await Store.SetTagAsync("tr-" + c, "mlflow.linkedPrompts", """[{"name": "other", "version": "1"}, {"name": "greeting", "version": "2"}]""", Cancellation);

        var query = new TraceQuery { ExperimentIds = [0], Filter = filter };
        var page = await Store.SearchAsync(query, Cancellation);

        Assert.Equal(expected, string.Join(' ', page.Traces.Select(trace => names[trace.TraceId]).Order()));
        Assert.Equal(page.Traces.Count, await Store.CountAsync(query, 100, Cancellation));
    }

    [Theory]
    [InlineData("status = 'OK' OR", "Invalid clause(s) in filter string: the filter ends too early (at position 17)")]
    [InlineData("OR status = 'OK'", "Invalid clause(s) in filter string: 'OR' (at position 1)")]
    [InlineData("NOT status", "Invalid clause(s) in filter string: 'status'. A comparison should follow (at position 5)")]
    [InlineData("NOT", "Invalid clause(s) in filter string: the filter ends too early (at position 4)")]
    [InlineData("()", "Invalid clause(s) in filter string: ')' (at position 2)")]
    [InlineData("(name = 'a'", "Invalid clause(s) in filter string: '('. The parenthesis is not closed (at position 1)")]
    [InlineData("name = 'a')", "Invalid clause(s) in filter string: ')' (at position 11)")]
    [InlineData("timestamp_ms BETWEEN 1 AND 2", "Invalid clause(s) in filter string: 'BETWEEN' (at position 14)")]
    [InlineData("text = 'x'", "Invalid clause(s) in filter string: 'text'. Text is searched by trace.text (at position 1)")]
    [InlineData("feedback.c = true", "Invalid clause(s) in filter string: 'feedback.c', '=', 'true'. Put quotes around the value: 'true' (at position 1)")]
    [InlineData("name NOT LIKE 'a'", "Invalid clause(s) in filter string: 'NOT' (at position 6)")]
    [InlineData("status = OK", "Parameter value is either not quoted or unidentified quote types used for string value OK. Use either single or double quotes. (at position 10)")]
    [InlineData("foo.bar = 'x'", "Invalid entity type 'foo'. Valid values are {")]
    [InlineData("feedback.score > 0.5", "Expected a quoted string value for feedback (e.g. 'my-value'). Got value 0.5 (at position 18)")]
    [InlineData("feedback.score > '0.5'", "assessment.score comparator '>' not one of '{")]
    [InlineData("expectation.score IN ('1')", "Expected a quoted string value for expectation (e.g. 'my-value'). Got value ('1')")]
    [InlineData("trace.text = 'x'", "span.content comparator '=' not one of '{'ILIKE', 'LIKE'}' (at position 12)")]
    [InlineData("span.content RLIKE 'x'", "span.content comparator 'RLIKE' not one of '{'ILIKE', 'LIKE'}'")]
    [InlineData("state = 'OK'", "Invalid attribute key 'state' specified. Valid keys are '{")]
    [InlineData("Status = 'OK'", "Invalid attribute key 'Status' specified.")]
    [InlineData("name > 'a'", "Invalid comparator '>' not one of '{")]
    [InlineData("name IN ('a')", "Invalid comparator 'IN' not one of '{")]
    [InlineData("status IS NULL", "Invalid comparator 'IS NULL' not one of '{")]
    [InlineData("prompt LIKE 'a/1'", "Invalid comparator 'LIKE' not one of '{'='}'")]
    [InlineData("prompt = 'a'", "Expected a prompt as 'name/version'")]
    [InlineData("issue.name = 'x'", "Invalid issue attribute 'name'.")]
    [InlineData("timestamp_ms IN (1)", "Only attributes in {'run_id','name','request_id','status','client_request_id'} supports comparison with a list of quoted string values.")]
    [InlineData("timestamp_ms IN ('1')", "Only attributes in {")]
    [InlineData("timestamp_ms IS NULL", "Invalid comparator 'IS NULL' not one of '{")]
    [InlineData("status IN ()", "While parsing a list in the query, expected a non-empty list of string values, but got empty list")]
    [InlineData("status IN ('a',5)", "expected string value, punctuation, or whitespace, but got different type in list: ('a', 5) (at position 16)")]
    [InlineData("name IN ('a',5)", "While parsing a list in the query, expected string value, punctuation, or whitespace, but got different type in list: ('a', 5)")]
    [InlineData("status IN ('a' 'b')", "Invalid clause(s) in filter string: ''b'' (at position 16)")]
    [InlineData("metadata.x IN ('1')", "Expected a quoted string value for request_metadata (e.g. 'my-value'). Got value ('1')")]
    [InlineData("tags.x = 5", "Expected a quoted string value for tag (e.g. 'my-value'). Got value 5")]
    [InlineData("tags. = 'x'", "Invalid clause(s) in filter string: 'tags.'. A key should follow the dot (at position 1)")]
    [InlineData("span.foo = 'x'", "Invalid span attribute 'foo'. Supported attributes: name, status, type, attributes.<attribute_name>.")]
    [InlineData("span.attributes. = 'x'", "Span attribute name cannot be empty after 'attributes.'")]
    [InlineData("span.attributes.n > 'many'", "Expected a numeric value for")]
    [InlineData("name = 'a'; name = 'b'", "Search filter contained multiple expression 'name = 'a'; name = 'b''. Provide AND-ed expression list.")]
    [InlineData("name = 'a", "Invalid clause(s) in filter string: ''a'. The quote at position 8 is not closed.")]
    [InlineData("timestamp_ms > 'soon'", "Expected a numeric value for 'timestamp_ms'. Got value 'soon' (at position 16)")]
    [InlineData("name RLIKE '('", "Invalid regular expression '('")]
    [InlineData("name RLIKE '(?=a)'", "Invalid regular expression '(?=a)'")]
    [InlineData("name =", "Invalid clause(s) in filter string: the filter ends where a value should stand (at position 7)")]
    [InlineData("name = 'a\0b'", "Invalid clause(s) in filter string: it has the character U+0000")]
    public async Task Search_WrongFilter_SaysWhatIsWrong(string filter, string message)
    {
        var exception = await Assert.ThrowsAsync<MlflowException>(() => Store.SearchAsync(new TraceQuery { ExperimentIds = [0], Filter = filter }, Cancellation));

        Assert.Equal(ErrorCode.INVALID_PARAMETER_VALUE, exception.ErrorCode);
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("timestamp_ms SIDEWAYS", "Invalid ordering key in order_by clause 'timestamp_ms SIDEWAYS'.")]
    [InlineData("name DESC, status ASC", "Invalid order_by clause 'name DESC, status ASC'. Could not be parsed.")]
    [InlineData("span.name", "Invalid identifier type 'span'")]
    [InlineData("request_time", "Invalid attribute key 'request_time' specified.")]
    [InlineData("client_request_id", "Invalid attribute key 'client_request_id' specified.")]
    [InlineData("", "Invalid ordering key in order_by clause ''. (at position 1)")]
    [InlineData("name DESC ASC", "Invalid ordering key in order_by clause 'name DESC ASC'. (at position 11)")]
    [InlineData("tags.`k", "Invalid clause(s) in order_by clause: '`k'. The quote at position 6 is not closed.")]
    public async Task Search_WrongOrder_SaysWhatIsWrong(string orderBy, string message)
    {
        var exception = await Assert.ThrowsAsync<MlflowException>(() => Store.SearchAsync(new TraceQuery { ExperimentIds = [0], OrderBy = [orderBy] }, Cancellation));

        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("span.name = 'a' OR status = 'OK'", true)]
    [InlineData("(span.name = 'a' OR status = 'OK') AND (span.type = 'b' OR name IS NULL)", true)]
    [InlineData("(span.name = 'a' OR status = 'OK') AND (span.type = 'b' OR name IS NOT NULL)", false)]
    [InlineData("NOT span.name = 'a'", true)]
    [InlineData("span.name != 'a'", false)]
    [InlineData("span.attributes.k IS NULL", false)]
    public async Task Search_TraceWithoutSpans_MatchesByWhatSpeaksOfNone(string filter, bool expected)
    {
        await Store.WriteAsync(new TraceBatch { Infos = [Info(NewOtelId())] }, Cancellation);

        Assert.Equal(expected, (await Store.SearchAsync(new TraceQuery { ExperimentIds = [0], Filter = filter }, Cancellation)).Traces.Count == 1);
    }

    [Theory]
    [InlineData("span.name LIKE '%behind'")]
    [InlineData("name RLIKE 'behind$'")]
    [InlineData("tags.k LIKE '%behind'")]
    [InlineData("span.content LIKE '%behind\"%'")]
    [InlineData("trace.text LIKE '%it is behind%'")]
    public async Task Search_TextWithANul_IsReadToItsEnd(string filter)
    {
        var id = NewOtelId();
        await Store.WriteAsync(Batch(Span(id, 1, name: "before\0behind", attributes: [("a", "\"before\\u0000it is behind\"")])), Cancellation);
        await Store.SetTagAsync("tr-" + id, "k", "before\0behind", Cancellation);

        Assert.Single((await Store.SearchAsync(new TraceQuery { ExperimentIds = [0], Filter = filter }, Cancellation)).Traces);
    }

    public static TheoryData<string, int> AtTheLimits
    {
        get
        {
            var data = new TheoryData<string, int>
            {
                { new string('(', 32) + "name = 'span'" + new string(')', 32), 3 },
                { string.Concat(Enumerable.Repeat("NOT ", 32)) + "name = 'span'", 3 },
                { "NOT " + string.Concat(Enumerable.Repeat("NOT (span.name = 'span' AND (tags.k IS NULL OR span.type = 'TOOL') AND ", 15)) + "span.attributes.a = '1'" + new string(')', 15), 3 },
                { "request_id NOT IN (" + string.Join(", ", Enumerable.Range(0, 1000).Select(i => $"'tr-x{i}'")) + ")", 3 },
                { $"name != '{new string('x', 49_990)}'", 3 },
                { $"trace.text LIKE '%{string.Concat(Enumerable.Repeat("s%p%", 10_000))}'", 0 },
                { $"name RLIKE '{string.Concat(Enumerable.Repeat("(s|p)?", 166))}'", 3 },
            };
            foreach (var (condition, expected) in (ReadOnlySpan<(string, int)>)
                [
                    ("name = 'span'", 3), ("name LIKE 'sp%'", 3), ("tags.k IS NULL", 3), ("span.name = 'span'", 3), ("span.attributes.a = '1'", 3), ("span.content LIKE '%span%'", 3),
                    ("trace.text LIKE '%span%'", 3), ("feedback.f IS NULL", 3), ("feedback.f = '1'", 0), ("run_id = 'r'", 0), ("prompt = 'p/1'", 0), ("NOT feedback.f = '1'", 3), ("NOT span.content LIKE '%none%'", 3),
                ])
            {
                data.Add(string.Join(" AND ", Enumerable.Repeat(condition, 100)), expected);
                data.Add(string.Join(" OR ", Enumerable.Repeat(condition, 100)), expected);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(AtTheLimits), DisableDiscoveryEnumeration = true)]
    public async Task Search_FilterAtTheLimits_IsAnswered(string filter, int expected)
    {
        await Store.WriteAsync(Batch([.. Enumerable.Range(0, 3).Select(_ => Span(NewOtelId(), 1, attributes: [("a", "1")]))]), Cancellation);

        Assert.Equal(expected, (await Store.SearchAsync(new TraceQuery { ExperimentIds = [0], Filter = filter }, Cancellation)).Traces.Count);
    }

    [Fact]
    public async Task Search_OrderAtTheLimit_IsAnsweredPageByPage()
    {
        var ids = Enumerable.Range(0, 3).Select(_ => NewOtelId()).ToList();
        await Store.WriteAsync(Batch([.. ids.Select(id => Span(id, 1))]), Cancellation);
        await Store.SetTagAsync("tr-" + ids[1], "k19", "v", Cancellation);
        var query = new TraceQuery { ExperimentIds = [0], OrderBy = [.. Enumerable.Range(0, 20).Select(i => $"tags.k{i} DESC")], PageSize = 1 };

        var found = new List<string>();
        do
        {
            var page = await Store.SearchAsync(query, Cancellation);
            found.Add(Assert.Single(page.Traces).TraceId);
            query = query with { PageToken = page.NextPageToken };
        }
        while (query.PageToken is not null);

        Assert.Equal([$"tr-{ids[1]}", $"tr-{ids[0]}", $"tr-{ids[2]}"], found);
    }

    [Fact]
    public async Task Search_SameKeyTwice_IsRefused()
    {
        var exception = await Assert.ThrowsAsync<MlflowException>(
            () => Store.SearchAsync(new TraceQuery { ExperimentIds = [0], OrderBy = ["name", "attribute.name DESC"] }, Cancellation));

        Assert.StartsWith("`order_by` contains duplicate fields", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("*", "could not base64-decode '*'")]
    [InlineData("eyJv*", "could not base64-decode")]
    [InlineData("nonsense", "decoded value=")]
    [InlineData("bm9uc2Vuc2U=", "decoded value=nonsense")]
    [InlineData("WzFd", "parsed value=[1]")]
    [InlineData("eyJvZmZzZXQiOiAtMX0=", "parsed value={\"offset\": -1}")]
    [InlineData("WyJSZXF1ZXN0VGltZS0sVHJhY2VJZCsiLG51bGwsbnVsbF0", "parsed value=[\"RequestTime-,TraceId+\",null,null]")]
    [InlineData("WyJSZXF1ZXN0VGltZS0sVHJhY2VJZCsiLDEsIlx1ZDgwMCJd", "parsed value=[\"RequestTime-,TraceId+\",1,\"\\ud800\"]")]
    [InlineData("WyJSZXF1ZXN0VGltZS0sVHJhY2VJZCsiLDEuNSx7fV0", "parsed value=[\"RequestTime-,TraceId+\",1.5,{}]")]
    public async Task Search_WrongToken_IsRefused(string token, string message)
    {
        var exception = await Assert.ThrowsAsync<MlflowException>(() => Store.SearchAsync(new TraceQuery { ExperimentIds = [0], PageToken = token }, Cancellation));

        Assert.Equal(ErrorCode.INVALID_PARAMETER_VALUE, exception.ErrorCode);
        Assert.StartsWith("Invalid page token, " + message, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Search_TokenOfAnotherOrder_IsRefused()
    {
        await Store.WriteAsync(Batch(Span(NewOtelId(), 1), Span(NewOtelId(), 1)), Cancellation);
        var query = new TraceQuery { ExperimentIds = [0], PageSize = 1 };
        var token = (await Store.SearchAsync(query, Cancellation)).NextPageToken;

        var exception = await Assert.ThrowsAsync<MlflowException>(() => Store.SearchAsync(query with { PageToken = token, OrderBy = ["name"] }, Cancellation));

        Assert.StartsWith("Invalid page token, parsed value=", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Search_MlflowsOffsetAsToken_PassesThatManyOver()
    {
        var ids = Enumerable.Range(0, 5).Select(_ => NewOtelId()).ToList();
        await Store.WriteAsync(Batch([.. ids.Select((id, i) => Span(id, 1, startMs: i))]), Cancellation);

        // {"offset": 3}
        var page = await Store.SearchAsync(new TraceQuery { ExperimentIds = [0], OrderBy = ["timestamp_ms"], PageToken = "eyJvZmZzZXQiOiAzfQ==" }, Cancellation);

        Assert.Equal([$"tr-{ids[3]}", $"tr-{ids[4]}"], page.Traces.Select(trace => trace.TraceId));
    }

    [Theory]
    [InlineData("timestamp_ms DESC")]
    [InlineData("timestamp_ms ASC")]
    [InlineData("tags.color DESC")]
    public async Task Search_WhileTracesComeAndGo_NeitherRepeatsNorSkipsThoseThatStay(string orderBy)
    {
        string Add(int startMs)
        {
            var id = NewOtelId();
            Store.WriteAsync(Batch(Span(id, 1, startMs: startMs)), Cancellation).GetAwaiter().GetResult();
            if (startMs % 2 == 0)
            {
                Store.SetTagAsync("tr-" + id, "color", $"c{startMs % 6}", Cancellation).GetAwaiter().GetResult();
            }

            return "tr-" + id;
        }

        var all = Enumerable.Range(0, 40).Select(i => Add(i % 11)).ToList();
        var query = new TraceQuery { ExperimentIds = [0], OrderBy = [orderBy], PageSize = 7 };
        var expected = (await Store.SearchAsync(query with { PageSize = 500 }, Cancellation)).Traces.Select(trace => trace.TraceId).ToList();
        var gone = new HashSet<string>();
        var paged = new List<string>();
        string? token = null;
        do
        {
            var page = await Store.SearchAsync(query with { PageToken = token }, Cancellation);
            paged.AddRange(page.Traces.Select(trace => trace.TraceId));
            token = page.NextPageToken;

            // New ones before, between and behind what was read, and the last one of the page goes.
            foreach (var startMs in (int[])[-1, 3, 5, 100])
            {
                Add(startMs);
            }

            gone.Add(paged[^1]);
            await Store.DeleteAsync(new TraceDeletion { ExperimentId = 0, TraceIds = [paged[^1]] }, Cancellation);
        }
        while (token is not null && paged.Count < 500);

        Assert.Equal(all.Count, expected.Count);
        Assert.Equal(paged.Count, paged.Distinct().Count());
        Assert.Equal(expected, paged.Where(all.Contains));
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
