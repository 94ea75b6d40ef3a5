using MLflow.Server.Traces;
using MLflow.Server.Ui.List;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class RowPagesTests
{
    private const int PageSize = 50;
    private readonly List<string?> _read = [];

    [Fact]
    public async Task Move_ToTheEnd_ShowsEveryRowOnceAndKeepsFew()
    {
        var pages = await PagesAsync(1234);
        var seen = new List<string>();
        for (var row = 0; row < 1234; row += 20)
        {
            await pages.MoveAsync(row);
            seen.AddRange(pages.Rows.Select(trace => trace.TraceId).Except(seen).ToList());
            Assert.InRange(pages.Rows.Count(), 1, 5 * PageSize);
            Assert.Contains($"tr-{row}", pages.Rows.Select(trace => trace.TraceId));
        }

        Assert.Equal(Enumerable.Range(0, 1234).Select(i => $"tr-{i}"), seen);
        Assert.Null(pages.NextToken);
        Assert.Equal(1234, pages.Before + pages.Rows.Count() + pages.After);
        Assert.Equal(25, _read.Count);
    }

    [Fact]
    public async Task Move_Back_ReadsAgainWhatWasForgotten()
    {
        var pages = await PagesAsync(1000);
        for (var row = 0; row < 1000; row += PageSize)
        {
            await pages.MoveAsync(row);
        }

        await pages.MoveAsync(0);

        Assert.Equal((0, "tr-0", 3 * PageSize), (pages.Before, pages.Rows.First().TraceId, pages.Rows.Count()));
        Assert.Equal(1000 - (3 * PageSize), pages.After);

        await pages.MoveAsync(500);
        Assert.Equal(Enumerable.Range(400, 5 * PageSize).Select(i => $"tr-{i}"), pages.Rows.Select(trace => trace.TraceId));
    }

    [Fact]
    public async Task Move_WhileAnotherIsRead_ShowsEachRowOnce()
    {
        var gate = new TaskCompletionSource();
        var first = new TracePage([.. Enumerable.Range(0, PageSize).Select(Trace)], "50");
        var pages = new RowPages(
            async token =>
            {
                await gate.Task;
                var start = int.Parse(token!, System.Globalization.CultureInfo.InvariantCulture);
                return new TracePage([.. Enumerable.Range(start, PageSize).Select(Trace)], $"{start + PageSize}");
            },
            first,
            null);

        var one = pages.MoveAsync(10);
        var two = pages.MoveAsync(40);
        gate.SetResult();
        await Task.WhenAll(one, two);

        Assert.Equal(Enumerable.Range(0, 3 * PageSize).Select(i => $"tr-{i}"), pages.Ids);
    }

    [Fact]
    public async Task Replace_RunningTrace_StaysInItsPlace()
    {
        var pages = await PagesAsync(10);

        pages.Replace(new Dictionary<string, TraceInfo> { ["tr-3"] = Trace(3) with { DurationMs = 42 } });

        Assert.Equal(42, pages.Rows.ElementAt(3).DurationMs);
        Assert.Equal(10, pages.Rows.Count());
    }

    private async Task<RowPages> PagesAsync(int count)
    {
        Task<TracePage> ReadAsync(string? token)
        {
            _read.Add(token);
            var start = token is null ? 0 : int.Parse(token, System.Globalization.CultureInfo.InvariantCulture);
            var end = Math.Min(count, start + PageSize);
            return Task.FromResult(new TracePage([.. Enumerable.Range(start, end - start).Select(Trace)], end < count ? $"{end}" : null));
        }

        return new RowPages(ReadAsync, await ReadAsync(null), null);
    }

    private static TraceInfo Trace(int number) => new() { TraceId = $"tr-{number}", ExperimentId = 1, RequestTimeMs = number };
}
