using MLflow.Server.Storage;
using MLflow.Server.Storage.Rollups;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Analysis;
using Xunit;

namespace MLflow.Server.Tests.Storage;

/// <summary>That overviews from the figures of hours are those of the traces, whatever happens to the traces. A database's tests derive from it.</summary>
public abstract class RollupConformance : IAsyncLifetime
{
    private const long Hour = IRollups.HourMs;

    /// <summary>A full hour, three days before the end of the overviews.</summary>
    private const long StartMs = SomeTrace.StartMs / Hour * Hour;

    private const int Hours = 72;

    private ITraceStore _traces = null!;
    private IRollups _rollups = null!;
    private ITraceAnalysis _rolled = null!;
    private ITraceAnalysis _exact = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => (_traces, _rollups, _rolled, _exact) = await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens a database, with an analysis that always uses the figures of hours, and one that never does.</summary>
    private protected abstract Task<(ITraceStore Traces, IRollups Rollups, ITraceAnalysis Rolled, ITraceAnalysis Exact)> OpenAsync();

    protected abstract Task CloseAsync();

    [Fact]
    public async Task Overview_RandomHistories_IsThatOfTheTraces()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var traces = new List<string>();
        for (var round = 0; round < 12; round++)
        {
            for (var i = random.Next(30); i >= 0; i--)
            {
                await ChangeAsync(random, traces);
            }

            switch (random.Next(3))
            {
                case 0:
                    await RollUpAsync(int.MaxValue);
                    Assert.Equal(0, await _rollups.CountWaitingAsync(Token));
                    break;
                case 1:
                    // Some hours only.
                    await RollUpAsync(1);
                    break;
            }

            // Pieces of hours and of days, from full hours and from within one.
            foreach (var query in new[]
            {
                new OverviewQuery(0, StartMs, Hour, Hours), new OverviewQuery(0, StartMs + (5 * Hour), 8 * Hour, 6), new OverviewQuery(0, StartMs + 1234, 24 * Hour, 3),
                new OverviewQuery(0, StartMs, Hour / 2, Hours), new OverviewQuery(1, StartMs, 24 * Hour, 3),
            })
            {
                var histogram = new HistogramQuery(query.ExperimentId, null, query.StartMs, query.BucketMs, query.Buckets);
                Assert.Equal((await _exact.HistogramAsync(histogram, Token)).Buckets.OrderBy(bucket => bucket.Key), (await _rolled.HistogramAsync(histogram, Token)).Buckets.OrderBy(bucket => bucket.Key));
                AssertAlike(await _exact.OverviewAsync(query, Token), await _rolled.OverviewAsync(query, Token), $"seed {seed}, round {round}, {query}");
            }
        }
    }

    [Fact]
    public async Task RollUp_HourThatGoesOnChanging_WaitsUntilItIsQuiet()
    {
        await WriteAsync(SomeTrace.NewOtelId(), new Random(1), 0);
        Assert.Equal(0, await _rollups.RollUpAsync(now: false, Token));

        await WriteAsync(SomeTrace.NewOtelId(), new Random(2), 0);
        Assert.Equal(0, await _rollups.RollUpAsync(now: false, Token));
        Assert.Equal(1, await _rollups.CountWaitingAsync(Token));

        Assert.Equal(1, await _rollups.RollUpAsync(now: false, Token));
        Assert.Equal(0, await _rollups.CountWaitingAsync(Token));
    }

    [Fact]
    public async Task Overview_HourWithVeryManyTools_IsReadFromTheTraces()
    {
        var id = SomeTrace.NewOtelId();
        await _traces.WriteAsync(
            SomeTrace.Batch([.. Enumerable.Range(1, 1100).Select(i => SomeTrace.Span(id, i, i == 1 ? null : 1, $"tool {i}", "TOOL", startMs: StartMs - SomeTrace.StartMs))]), Token);
        await RollUpAsync(int.MaxValue);

        var query = new OverviewQuery(0, StartMs, Hour, Hours);
        AssertAlike(await _exact.OverviewAsync(query, Token), await _rolled.OverviewAsync(query, Token), "many tools");
    }

    [Theory]
    [InlineData(50)]
    [InlineData(95)]
    [InlineData(99)]
    public void Percentile_OfAHistogram_IsAsExactAsItSays(double percentile)
    {
        var random = new Random(3);
        var values = Enumerable.Range(0, 5000).Select(_ => Math.Round(Math.Exp(random.NextDouble() * 14))).ToList();
        var (one, other) = (new LogHistogram(), new LogHistogram());
        values.ForEach(value => (random.Next(2) == 0 ? one : other).Add(value));
        one.Add(other);
        using var bytes = new MemoryStream();
        one.Write(new BinaryWriter(bytes));
        bytes.Position = 0;
        var read = LogHistogram.Read(new BinaryReader(bytes));

        values.Sort();
        var exact = values[(int)(percentile / 100 * (values.Count - 1))];
        Assert.InRange(read.Percentile(percentile)!.Value / exact, 1 - (2 * LogHistogram.Error), 1 + (2 * LogHistogram.Error));
    }

    private async Task RollUpAsync(int steps)
    {
        while (steps-- > 0 && await _rollups.RollUpAsync(now: true, Token) > 0)
        {
        }
    }

    private async Task ChangeAsync(Random random, List<string> traces)
    {
        var startMs = (long)(random.NextDouble() * (Hours + 4) * Hour) - (2 * Hour);
        switch (traces.Count == 0 ? 0 : random.Next(8))
        {
            case 0 or 1 or 2 or 3:
                traces.Add(SomeTrace.NewOtelId());
                await WriteAsync(traces[^1], random, startMs);
                break;
            case 4:
                // A late span, which may begin before the others, in another hour.
                var late = SomeSpan(traces[random.Next(traces.Count)], random, random.Next(2, 6), startMs);
                await _traces.WriteAsync(SomeTrace.Batch(late), Token);
                break;
            case 5:
                await WriteAsync(traces[random.Next(traces.Count)], random, startMs);
                break;
            case 6:
                // The client's word on the trace's time.
                await _traces.WriteAsync(
                    new TraceBatch
                    {
                        Infos = [SomeTrace.Info(traces[random.Next(traces.Count)], state: random.Next(2) == 0 ? TraceState.Error : TraceState.Ok, startMs: startMs + StartMs - SomeTrace.StartMs) with { DurationMs = random.Next(5000) }],
                    },
                    Token);
                break;
            default:
                var gone = traces[random.Next(traces.Count)];
                traces.Remove(gone);
                await _traces.DeleteAsync(new TraceDeletion { ExperimentId = 0, TraceIds = ["tr-" + gone] }, Token);
                break;
        }
    }

    private Task WriteAsync(string id, Random random, long startMs) => _traces.WriteAsync(
        SomeTrace.Batch([.. Enumerable.Range(1, random.Next(1, 5)).Select(number => SomeSpan(id, random, number, startMs))]), Token);

    private static SpanRecord SomeSpan(string id, Random random, int number, long startMs)
    {
        var type = number == 1 ? "AGENT" : random.GetItems(["TOOL", "CHAT_MODEL", "LLM", "CHAIN"], 1)[0];
        List<(string, string)> attributes = [];
        if (type is "CHAT_MODEL" or "LLM")
        {
            attributes.Add(("mlflow.llm.model", random.Next(3) == 0 ? "\"gpt-4o\"" : $"\"model {random.Next(3)}\""));
            attributes.Add(("mlflow.chat.tokenUsage", $$"""{"input_tokens": {{random.Next(1000)}}, "output_tokens": {{random.Next(1000)}}, "cache_read_input_tokens": {{random.Next(9)}}}"""));
            attributes.Add(("server.address", "\"api.openai.com\""));
            if (random.Next(2) == 0)
            {
                attributes.Add(("mlflow.stream.time_to_first_token_ms", $"{random.Next(500)}"));
            }
        }

        if (number == 1 && random.Next(2) == 0)
        {
            attributes.Add(("session.id", $"\"s-{random.Next(5)}\""));
            attributes.Add(("user.id", $"\"u-{random.Next(3)}\""));
        }

        return SomeTrace.Span(
            id, number, number == 1 ? null : 1, $"name {random.Next(4)}", type, random.Next(5) == 0 ? SpanStatus.Error : SpanStatus.Ok, startMs + StartMs - SomeTrace.StartMs, random.Next(9) == 0 ? null : random.Next(20_000), [.. attributes]);
    }

    private static void AssertAlike(Overview exact, Overview rolled, string said)
    {
        try
        {
            AssertAlike(exact.Total, rolled.Total);
            Assert.Equal(exact.Buckets.Keys.Order(), rolled.Buckets.Keys.Order());
            foreach (var (number, figures) in exact.Buckets)
            {
                AssertAlike(figures, rolled.Buckets[number]);
            }

            Assert.Equal(exact.Models.Select(model => model.Model), rolled.Models.Select(model => model.Model));
            foreach (var (left, right) in exact.Models.Zip(rolled.Models))
            {
                Assert.Equal(left with { DurationP50 = null, FirstTokenP50 = null, TokensPerSecond = null }, right with { DurationP50 = null, FirstTokenP50 = null, TokensPerSecond = null });
                AssertNear(left.DurationP50, right.DurationP50);
                AssertNear(left.FirstTokenP50, right.FirstTokenP50);
                AssertNear(left.TokensPerSecond, right.TokensPerSecond);
            }

            Assert.Equal(exact.Tools.Select(tool => tool with { DurationP50 = null, DurationP95 = null }), rolled.Tools.Select(tool => tool with { DurationP50 = null, DurationP95 = null }));
            foreach (var (left, right) in exact.Tools.Zip(rolled.Tools))
            {
                AssertNear(left.DurationP50, right.DurationP50);
                AssertNear(left.DurationP95, right.DurationP95);
            }

            Assert.Equal(exact.ModelCalls, rolled.ModelCalls);
            Assert.Equal(exact.ToolCalls, rolled.ToolCalls);
            Assert.Equal(exact.Worst, rolled.Worst);
        }
        catch (Exception e)
        {
            Assert.Fail($"{said}: {e}");
        }
    }

    private static void AssertAlike(OverviewFigures exact, OverviewFigures rolled)
    {
        Assert.Equal(exact with { LatencyP50 = null, LatencyP95 = null, FirstTokenP50 = null }, rolled with { LatencyP50 = null, LatencyP95 = null, FirstTokenP50 = null });
        AssertNear(exact.LatencyP50, rolled.LatencyP50);
        AssertNear(exact.LatencyP95, rolled.LatencyP95);
        AssertNear(exact.FirstTokenP50, rolled.FirstTokenP50);
    }

    private static void AssertNear(double? exact, double? rolled)
    {
        Assert.Equal(exact is null, rolled is null);
        if (exact is { } value)
        {
            Assert.InRange(rolled!.Value, value - (Math.Abs(value) * LogHistogram.Error) - 1e-9, value + (Math.Abs(value) * LogHistogram.Error) + 1e-9);
        }
    }
}
