using Xunit;

namespace MLflow.Tests.Client;

/// <summary>Our requests beside those that MLflow's Python client sent for the same call.</summary>
public sealed class RealClientRequestTests
{
    private const string TraceId = "tr-2d26046f6758e0c8088fe299167ce060";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SearchTraces_WithSpans_IsAskedAsByTheRealClient()
    {
        await using var recorded = await RecordedExchanges.LoadAsync("search_traces");
        await using var client = recorded.Client();

        var traces = await client.SearchTracesAsync(options: new TraceSearchOptions { ExperimentIds = { "1" }, MaxResults = 10 }, cancellationToken: Token).ToListAsync(Token);

        recorded.AssertSameRequests();
        Assert.Equal(["boom", "add"], traces.Select(trace => trace.Spans[0].Name));
        Assert.Equal(["ERROR", "OK"], traces.Select(trace => trace.State));
    }

    [Fact]
    public async Task SearchTraces_FilterAndOrder_AreAskedAsByTheRealClient()
    {
        await using var recorded = await RecordedExchanges.LoadAsync("search_traces-with-filter-order-pandas");
        await using var client = recorded.Client();

        var options = new TraceSearchOptions { ExperimentIds = { "1" }, OrderBy = { "timestamp_ms DESC" } };
        var trace = Assert.Single(await client.SearchTracesAsync("trace.status = 'OK' AND tag.team = 'red'", options, Token).ToListAsync(Token));

        recorded.AssertSameRequests();
        Assert.Equal(("red", 2, "s-1"), (trace.Tags["team"], trace.Spans.Count, trace.Metadata["mlflow.trace.session"]));
    }

    [Fact]
    public async Task SearchTraces_WithoutSpans_IsOneRequestAsOfTheRealClient()
    {
        await using var recorded = await RecordedExchanges.LoadAsync("client-search_traces-include_spans-false");
        await using var client = recorded.Client();

        var trace = Assert.Single(await client.SearchTracesAsync("trace.status = 'ERROR'", new TraceSearchOptions { ExperimentIds = { "1" }, IncludeSpans = false }, Token).ToListAsync(Token));

        recorded.AssertSameRequests();
        Assert.Equal((TimeSpan.FromMilliseconds(2), "boom", 0), (trace.Duration, trace.Tags["mlflow.traceName"], trace.Spans.Count));
    }

    [Fact]
    public async Task DeleteTraces_ById_IsAskedAsByTheRealClient()
    {
        await using var recorded = await RecordedExchanges.LoadAsync("delete_traces-by-id");
        await using var client = recorded.Client();

        Assert.Equal(1, await client.DeleteTracesAsync("1", ["tr-16bd1219518364c48e94e9543bb39051"], Token));

        recorded.AssertSameRequests();
    }

    [Fact]
    public async Task DeleteTraces_ByTime_IsAskedAsByTheRealClient()
    {
        await using var recorded = await RecordedExchanges.LoadAsync("delete_traces-by-timestamp");
        await using var client = recorded.Client();

        Assert.Equal(0, await client.DeleteTracesUntilAsync("1", DateTimeOffset.FromUnixTimeMilliseconds(1794398961019), maxTraces: 10, Token));

        recorded.AssertSameRequests();
    }

    [Fact]
    public async Task SetTraceTag_AStoredTrace_IsAskedAsByTheRealClient()
    {
        await using var recorded = await RecordedExchanges.LoadAsync("set_trace_tag");
        await using var client = recorded.Client();

        await client.SetTraceTagAsync(TraceId, "color", "blue", Token);

        recorded.AssertSameRequests();
    }

    [Fact]
    public async Task DeleteTraceTag_AStoredTrace_IsAskedAsByTheRealClient()
    {
        await using var recorded = await RecordedExchanges.LoadAsync("delete_trace_tag");
        await using var client = recorded.Client();

        await client.DeleteTraceTagAsync(TraceId, "color", Token);

        recorded.AssertSameRequests();
    }

    [Fact]
    public async Task SetExperiment_NewName_IsAskedAsByTheRealClient()
    {
        await using var recorded = await RecordedExchanges.LoadAsync("set_experiment-new");
        await using var client = recorded.Client();

        var experiment = await client.SetExperimentAsync("prove-1795398955", Token);

        recorded.AssertSameRequests();
        Assert.Equal(("1", "prove-1795398955", "mlflow-artifacts:/1", true), (experiment.ExperimentId, experiment.Name, experiment.ArtifactLocation, experiment.IsActive));
        Assert.Equal(1795398958010, experiment.CreationTime!.Value.ToUnixTimeMilliseconds());
    }

    [Fact]
    public async Task GetExperimentByName_Existing_IsAskedAsByTheRealClient()
    {
        await using var recorded = await RecordedExchanges.LoadAsync("get_experiment_by_name");
        await using var client = recorded.Client();

        Assert.Equal("1", (await client.GetExperimentByNameAsync("prove-1795398955", Token))!.ExperimentId);

        recorded.AssertSameRequests();
    }

    [Fact]
    public async Task SearchExperiments_All_IsAskedAsByTheRealClient()
    {
        await using var recorded = await RecordedExchanges.LoadAsync("search_experiments");
        await using var client = recorded.Client();

        var experiments = await client.SearchExperimentsAsync(cancellationToken: Token).ToListAsync(Token);

        recorded.AssertSameRequests();
        Assert.Equal(["1", "0"], experiments.Select(experiment => experiment.ExperimentId));
    }

    [Fact]
    public async Task LogFeedback_WithRationale_IsAskedAsByTheRealClient()
    {
        await using var recorded = await RecordedExchanges.LoadAsync("log_feedback");
        await using var client = recorded.Client();

        var feedback = await client.LogFeedbackAsync(
            TraceId, "good", true, AssessmentSource.Human("me@x"), "because", metadata: new Dictionary<string, string> { ["m"] = "1" }, cancellationToken: Token);

        recorded.AssertSameRequests();
        Assert.Equal(("a-df2e16271287431799d69b7f547908c9", true, "because", "1"), (feedback.AssessmentId, feedback.Boolean, feedback.Rationale, feedback.Metadata["m"]));
        Assert.Equal(new AssessmentSource(AssessmentSourceType.Human, "me@x"), feedback.Source);
        Assert.Equal(new DateTimeOffset(2026, 11, 23, 1, 56, 0, 316, TimeSpan.Zero), feedback.CreateTime);
    }

    [Fact]
    public async Task LogExpectation_AnObject_IsAskedAsByTheRealClient()
    {
        await using var recorded = await RecordedExchanges.LoadAsync("log_expectation");
        await using var client = recorded.Client();

        var expectation = await client.LogExpectationAsync(TraceId, "answer", new Dictionary<string, int[]> { ["a"] = [1, 2] }, AssessmentSource.Human("me@x"), cancellationToken: Token);

        recorded.AssertSameRequests();
        Assert.Equal((AssessmentKind.Expectation, 2), (expectation.Kind, expectation.Value!.Value.GetProperty("a")[1].GetInt32()));
    }

    [Fact]
    public async Task UpdateFeedback_NameAndValue_IsAskedAsByTheRealClient()
    {
        await using var recorded = await RecordedExchanges.LoadAsync("update_assessment");
        await using var client = recorded.Client();

        var feedback = await client.UpdateFeedbackAsync(TraceId, "a-df2e16271287431799d69b7f547908c9", false, name: "good", cancellationToken: Token);

        recorded.AssertSameRequests();
        Assert.Equal((false, "because"), (feedback.Boolean, feedback.Rationale));
    }

    [Fact]
    public async Task OverrideFeedback_ByAProgram_IsAskedAsByTheRealClient()
    {
        await using var recorded = await RecordedExchanges.LoadAsync("override_feedback");
        await using var client = recorded.Client();

        var feedback = await client.OverrideFeedbackAsync(TraceId, "a-df2e16271287431799d69b7f547908c9", "meh", cancellationToken: Token);

        recorded.AssertSameRequests();
        Assert.Equal(("meh", "a-df2e16271287431799d69b7f547908c9", "good"), (feedback.Text, feedback.Overrides, feedback.Name));
    }

    [Fact]
    public async Task GetAssessment_Expectation_IsAskedAsByTheRealClient()
    {
        await using var recorded = await RecordedExchanges.LoadAsync("get_assessment");
        await using var client = recorded.Client();

        var expectation = await client.GetAssessmentAsync(TraceId, "a-033a82b68d2444c28d80895357811bc8", Token);

        recorded.AssertSameRequests();
        Assert.Equal("""{"a": [1, 2]}""", expectation.Value!.Value.GetRawText());
    }

    [Fact]
    public async Task DeleteAssessment_Existing_IsAskedAsByTheRealClient()
    {
        await using var recorded = await RecordedExchanges.LoadAsync("delete_assessment");
        await using var client = recorded.Client();

        await client.DeleteAssessmentAsync(TraceId, "a-b1aacdfe502140aeb4235988b633da72", Token);

        recorded.AssertSameRequests();
    }
}
