using Xunit;

namespace MLflow.Tests.Client;

/// <summary>Our requests beside those that MLflow's Python client sent for the same call.</summary>
public sealed class RealClientRequestTests
{
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

        await client.SetTraceTagAsync("tr-2d26046f6758e0c8088fe299167ce060", "color", "blue", Token);

        recorded.AssertSameRequests();
    }

    [Fact]
    public async Task DeleteTraceTag_AStoredTrace_IsAskedAsByTheRealClient()
    {
        await using var recorded = await RecordedExchanges.LoadAsync("delete_trace_tag");
        await using var client = recorded.Client();

        await client.DeleteTraceTagAsync("tr-2d26046f6758e0c8088fe299167ce060", "color", Token);

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
}
