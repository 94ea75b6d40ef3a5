using System.Globalization;
using System.Net.Http.Json;
using Xunit;

namespace MLflow.EndToEnd.Tests.Cli;

public sealed class TracesCommandTests : CommandTestBase
{
    [Fact]
    public async Task Traces_Searched_AreATableOrJsonWithSpans()
    {
        Trace("quiet");
        var failed = Trace("bro\u001b[31mken\nname", SpanType.Tool, new InvalidOperationException("no"));
        await Client.FlushAsync(Token);
        var id = await ExperimentIdAsync();

        var table = await RunAsync("traces", "search", "--experiment-id", id);
        Assert.Equal("", table.Errors);
        var lines = table.Output.Trim().ReplaceLineEndings("\n").Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.StartsWith("TRACE ID", lines[0], StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', table.Output);

        var json = await RunAsync("traces", "search", "--experiment-name", "mine", "--filter-string", "trace.status = 'ERROR'", "--output", "json");
        var trace = Assert.Single(json.Json.GetProperty("traces").EnumerateArray());
        Assert.Equal(failed, trace.GetProperty("info").GetProperty("trace_id").GetString());
        var span = Assert.Single(trace.GetProperty("data").GetProperty("spans").EnumerateArray());
        Assert.Equal("\"TOOL\"", span.GetProperty("attributes").GetProperty("mlflow.spanType").GetString());
        Assert.Equal("exception", Assert.Single(span.GetProperty("events").EnumerateArray()).GetProperty("name").GetString());
    }

    [Fact]
    public async Task Table_OfTracesThatCameByOtlp_NamesThemByTheirRoots()
    {
        var traceId = Guid.NewGuid().ToString("n");
        using (var http = new HttpClient { BaseAddress = new Uri(Address) })
        {
            using var stored = await http.PostAsJsonAsync(
                new Uri("v1/traces", UriKind.Relative),
                new
                {
                    resourceSpans = new[]
                    {
                        new { scopeSpans = new[] { new { spans = new[] { Span(2, "step", parent: 1, at: 1), Span(3, "later root", parent: null, at: 2), Span(1, "first root", parent: null, at: 1) } } } },
                    },
                },
                Token);
            Assert.True(stored.IsSuccessStatusCode, await stored.Content.ReadAsStringAsync(Token));
        }

        var table = await RunAsync("traces", "search", "--experiment-id", "0");
        Assert.EndsWith("  first root", Assert.Single(table.Output.ReplaceLineEndings("\n").Split('\n'), line => line.Contains(traceId, StringComparison.Ordinal)), StringComparison.Ordinal);

        var bare = await RunAsync("traces", "search", "--experiment-id", "0", "--no-include-spans");
        Assert.Contains(traceId, bare.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("root", bare.Output, StringComparison.Ordinal);

        object Span(int id, string name, int? parent, int at) => new
        {
            traceId,
            spanId = $"{id:x16}",
            parentSpanId = parent is null ? "" : $"{parent:x16}",
            name,
            startTimeUnixNano = $"170000000{at}000000000",
            endTimeUnixNano = "1700000009000000000",
        };
    }

    [Fact]
    public async Task Traces_SearchedPageByPage_AreEachFoundOnce()
    {
        var ids = Enumerable.Range(0, 5).Select(i => Trace(i.ToString(CultureInfo.InvariantCulture))).ToHashSet();
        await Client.FlushAsync(Token);
        var experiment = ("MLFLOW_EXPERIMENT_NAME", "mine");
        var found = new List<string>();
        string? token = null;
        do
        {
            var page = await RunAsync(
                [("MLFLOW_TRACKING_URI", Address), experiment],
                ["traces", "search", "--max-results", "2", "--order-by", "timestamp_ms ASC", "--no-include-spans", "--output", "json", .. token is null ? Array.Empty<string>() : ["--page-token", token]]);
            found.AddRange(page.Json.GetProperty("traces").EnumerateArray().Select(trace => trace.GetProperty("info").GetProperty("trace_id").GetString()!));
            token = page.Json.GetProperty("next_page_token").GetString();
        }
        while (token is not null);

        Assert.Equal(5, found.Count);
        Assert.Equal(ids, found.ToHashSet());
    }

    [Fact]
    public async Task Trace_Got_IsReadByTheSdk()
    {
        var id = Trace("shown");
        await Client.FlushAsync(Token);

        var json = await RunAsync("traces", "get", "--trace-id", id);
        var trace = TraceRecord.Parse(json.Output);
        Assert.Equal(id, trace.TraceId);
        Assert.Equal("shown", Assert.Single(trace.Spans).Name);
        Assert.Equal((await Client.GetTraceAsync(id, Token)).Duration, trace.Duration);

        var tree = await RunAsync("traces", "get", "--trace-id", id, "--output", "table");
        Assert.Contains("shown", tree.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Trace_TaggedAndJudged_HasTagAndFeedback()
    {
        var id = Trace();
        await Client.FlushAsync(Token);

        Assert.Equal(0, (await RunAsync("traces", "tag", "--trace-id", id, "--key", "tier", "--value", "gold")).ExitCode);
        Assert.Equal("gold", (await Client.GetTraceAsync(id, Token)).Tags["tier"]);
        Assert.Equal(0, (await RunAsync("traces", "tag", "--trace-id", id, "--key", "tier", "--delete")).ExitCode);

        var judged = await RunAsync(
            "traces", "feedback", "--trace-id", id, "--name", "helpful", "--value", "true", "--source-type", "CODE", "--source-id", "script", "--rationale", "right", "--metadata", """{"m":"1"}""");
        Assert.Equal("", judged.Errors);
        Assert.Equal(0, (await RunAsync("traces", "log-feedback", "--trace-id", id, "--name", "word", "--value", "very good")).ExitCode);

        var trace = await Client.GetTraceAsync(id, Token);
        Assert.DoesNotContain("tier", trace.Tags.Keys);
        var helpful = Assert.Single(trace.Assessments, assessment => assessment.Name == "helpful");
        Assert.True(helpful.Boolean);
        Assert.Equal(AssessmentSource.Code("script"), helpful.Source);
        Assert.Equal("1", helpful.Metadata["m"]);
        Assert.Equal("very good", Assert.Single(trace.Assessments, assessment => assessment.Name == "word").Text);
    }

    [Fact]
    public async Task Traces_Deleted_AreGone()
    {
        var (first, second, third) = (Trace(), Trace(), Trace());
        await Client.FlushAsync(Token);
        var experiment = await ExperimentIdAsync();

        var some = await RunAsync("traces", "delete", "-x", experiment, "--trace-ids", $"{first},{second}", "--yes");
        Assert.Equal("Deleted 2 traces", some.Output.Trim());
        await Assert.ThrowsAsync<TraceNotFoundException>(() => Client.GetTraceAsync(first, Token));
        Assert.NotNull(await Client.GetTraceAsync(third, Token));

        var rest = await RunAsync("traces", "delete", "-x", experiment, "--max-timestamp-millis", "4102444800000", "-y");
        Assert.Equal("Deleted 1 trace", rest.Output.Trim());
    }

    [Theory]
    [InlineData(1, "no trace 'tr-none'", "traces", "get", "--trace-id", "tr-none")]
    [InlineData(1, "no experiment named 'nowhere'", "traces", "search", "-n", "nowhere")]
    [InlineData(1, "Invalid", "traces", "search", "--filter-string", "colour = 'red'")]
    [InlineData(2, "--max-results 0", "traces", "search", "--max-results", "0")]
    [InlineData(2, "either --value or --delete", "traces", "tag", "--trace-id", "tr-1", "--key", "k")]
    [InlineData(2, "either --trace-ids or --max-timestamp-millis", "traces", "delete", "-x", "0", "--yes")]
    [InlineData(2, "which experiment", "traces", "delete", "--trace-ids", "tr-1", "--yes")]
    [InlineData(2, "--metadata [1]", "traces", "feedback", "--trace-id", "tr-1", "--value", "1", "--metadata", "[1]")]
    [InlineData(2, "belongs to the server", "traces", "tag", "--trace-id", "tr-1", "--key", "mlflow.user", "--value", "v")]
    [InlineData(2, "Databricks", "traces", "search", "--tracking-uri", "databricks")]
    public async Task Command_ThatCannotBe_SaysWhyInOneLine(int exitCode, string sentence, params string[] arguments)
    {
        var result = await RunAsync(arguments);

        Assert.Contains(sentence, Assert.Single(result.Errors.Trim().Split('\n')), StringComparison.Ordinal);
        Assert.Equal(exitCode, result.ExitCode);
        Assert.Equal("", result.Output);
    }
}
