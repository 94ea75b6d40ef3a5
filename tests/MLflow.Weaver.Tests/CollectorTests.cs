using MLflow.Weaver.Tests.Shapes;
using Xunit;

namespace MLflow.Weaver.Tests;

/// <summary>By public API alone, as in tests of an application.</summary>
public sealed class CollectorTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Collector_OfAnApplicationsTest_HasTheSpansOfItsMethods()
    {
        await using var traces = TraceCollector.Start();
        Assert.Equal("sunny A", await AskAsync("Tokyo"));
        var trace = await traces.GetTraceAsync(cancellationToken: Token);

        Assert.Equal("AskAsync", trace.Root!.Name);
        Assert.Equal("sunny A", trace.Root.Outputs?.GetString());
        Assert.Equal(["GetWeather", "StreamAsync"], trace.ChildrenOf(trace.Root).Select(span => span.Name));
        Assert.Equal("Tokyo", trace.GetSpan("GetWeather", SpanType.Tool).Inputs?.GetProperty("city").GetString());
        Assert.Equal(trace.GetSpan("StreamAsync"), trace.ParentOf(trace.GetSpan("InnerAsync")));
    }

    [Trace(SpanType.Agent)]
    private static async Task<string> AskAsync(string city)
    {
        var weather = Calls.GetWeather(city);
        await foreach (var word in Sequences.StreamAsync("a"))
        {
            weather += " " + word;
        }

        return weather;
    }
}
