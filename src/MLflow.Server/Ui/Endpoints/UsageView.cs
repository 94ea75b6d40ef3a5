using System.Globalization;
using MLflow.Server.Storage;
using MLflow.Server.Ui.Formatting;
using MLflow.Server.Ui.Overview;
using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.Endpoints;

/// <summary>What calls of the gateway came to over time.</summary>
public sealed class UsageView
{
    private const long Hour = 60 * 60 * 1000;

    private readonly IReadOnlyList<GatewayUsage> _usages;
    private readonly long _startMs;

    /// <param name="usages">From <see cref="StartOf"/> on.</param>
    /// <param name="range">One of <see cref="Ranges"/>.</param>
    /// <param name="now">The time.</param>
    internal UsageView(IReadOnlyList<GatewayUsage> usages, OverviewRange range, DateTimeOffset now)
    {
        (_usages, Range, _startMs) = (usages, range, StartOf(range, now));
        Total = UsageSum.Of(usages);
        var pieces = Pieces(usages);
        var rest = Array.FindLastIndex(pieces, piece => piece.Calls > 0);
        Chart = new LaneChart(_startMs, range, rest < 0 ? range.Buckets - 1 : rest, [Calls(pieces), Tokens(pieces), Cost(pieces)]);
    }

    /// <summary>Usage is counted by the hour.</summary>
    public static IReadOnlyList<OverviewRange> Ranges { get; } = [new("24h", Hour, 24), new("7d", 2 * Hour, 84), new("30d", 8 * Hour, 90)];

    public OverviewRange Range { get; }

    public UsageSum Total { get; }

    public LaneChart Chart { get; }

    public static OverviewRange RangeOf(string? key) => Ranges.FirstOrDefault(range => range.Key == key) ?? Ranges[0];

    public static long StartOf(OverviewRange range, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(range);
        return (now.ToUnixTimeMilliseconds() / range.BucketMs * range.BucketMs) - (range.BucketMs * (range.Buckets - 1));
    }

    /// <summary>The same by something that calls have, what cost most first.</summary>
    internal IReadOnlyList<(string Name, UsageSum Sum, IReadOnlyList<OverviewShape> Shapes)> By(Func<GatewayUsage, string> key) =>
        [.. _usages.GroupBy(key).Select(group => (group.Key, UsageSum.Of(group), CallShapes(Pieces([.. group]), null))).OrderByDescending(row => row.Item2.Usd).ThenByDescending(row => row.Item2.Calls).ThenBy(row => row.Key, StringComparer.Ordinal)];

    private UsageSum[] Pieces(IReadOnlyList<GatewayUsage> usages)
    {
        var byPiece = usages.ToLookup(usage => (usage.HourMs - _startMs) / Range.BucketMs);
        return [.. Enumerable.Range(0, Range.Buckets).Select(piece => UsageSum.Of(byPiece[piece]))];
    }

    private static IReadOnlyList<OverviewShape> CallShapes(UsageSum[] pieces, double? scale)
    {
        var top = scale ?? Math.Max(1, pieces.Max(piece => piece.Calls));
        double[] failed = [.. pieces.Select(piece => (double)piece.Failed)];
        return [new(LanePath.Bars([.. pieces.Select(piece => (double)(piece.Calls - piece.Failed))], top, failed), "c-plain"), new(LanePath.Bars(failed, top), "c-err")];
    }

    private static OverviewLane Calls(UsageSum[] pieces)
    {
        var top = LaneScale.Top(pieces.Max(piece => piece.Calls), 4);
        return new OverviewLane
        {
            Title = T("Calls"),
            Note = T("failed in red"),
            Top = LaneScale.Short(top),
            Shapes = CallShapes(pieces, top),
            Readings = [.. pieces.Select(piece => new OverviewReading(Figures.Count(piece.Calls), piece.Calls == 0 ? "" : piece.Failed == 0 ? T("none failed") : T("{0} failed", Figures.Count(piece.Failed)), piece.Failed > 0))],
        };
    }

    private static OverviewLane Tokens(UsageSum[] pieces)
    {
        var top = LaneScale.Top(pieces.Max(piece => piece.InputTokens + piece.OutputTokens), 10);
        double[] input = [.. pieces.Select(piece => (double)piece.InputTokens)];
        return new OverviewLane
        {
            Title = T("Tokens"),
            Note = T("input, output"),
            Top = LaneScale.Short(top),
            Shapes = [new(LanePath.Bars(input, top), "c-fresh"), new(LanePath.Bars([.. pieces.Select(piece => (double)piece.OutputTokens)], top, input), "c-out")],
            Readings = [.. pieces.Select(piece => piece.InputTokens + piece.OutputTokens == 0 ? new OverviewReading("") : new OverviewReading(Figures.Count(piece.InputTokens + piece.OutputTokens), T("{0} output", Figures.Count(piece.OutputTokens))))],
        };
    }

    private static OverviewLane Cost(UsageSum[] pieces)
    {
        var top = LaneScale.Top((double)pieces.Max(piece => piece.Usd), 0.0001);
        return new OverviewLane
        {
            Title = T("Cost"),
            Note = T("US dollars"),
            Top = "$" + top.ToString("0.####", CultureInfo.InvariantCulture),
            Shapes = [new(LanePath.Bars([.. pieces.Select(piece => (double)piece.Usd)], top), "c-plain")],
            Readings = [.. pieces.Select(piece => new OverviewReading(piece.Usd > 0 ? Figures.Usd(piece.Usd) : ""))],
        };
    }
}
