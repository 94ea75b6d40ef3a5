using System.Globalization;
using MLflow.Server.Ui.Formatting;

namespace MLflow.Server.Ui.Overview;

/// <summary>Lanes on one axis of time.</summary>
/// <param name="StartMs">Where the axis begins.</param>
/// <param name="Range">How it is cut.</param>
/// <param name="Rest">The piece at which the cross-hair rests.</param>
/// <param name="Lanes">From top to bottom.</param>
public sealed record LaneChart(long StartMs, OverviewRange Range, int Rest, IReadOnlyList<OverviewLane> Lanes)
{
    private const int AxisLabels = 7;

    private long EndMs => StartMs + (Range.BucketMs * Range.Buckets);

    /// <summary>Labels from the left edge to the right one.</summary>
    public IReadOnlyList<string> Axis => [.. Enumerable.Range(0, AxisLabels).Select(i => AxisLabel(StartMs + ((EndMs - StartMs) * i / (AxisLabels - 1)), i is 0 or AxisLabels - 1))];

    /// <summary>Start of each piece, as the cross-hair reads it.</summary>
    public IReadOnlyList<string> Times => [.. Enumerable.Range(0, Range.Buckets).Select(Time)];

    /// <summary>Start of a piece.</summary>
    public string Time(int bucket)
    {
        var start = DateTimeOffset.FromUnixTimeMilliseconds(StartMs + (bucket * Range.BucketMs));
        return (Range.BucketMs * Range.Buckets > 26 * 3_600_000L ? Figures.Day(start) + " " : "") + Clock(start);
    }

    private string AxisLabel(long ms, bool isEnd)
    {
        var time = DateTimeOffset.FromUnixTimeMilliseconds(ms);
        var days = (EndMs - StartMs) / 86_400_000;
        return days > 7 ? Figures.MonthDay(time) : days > 1 ? Figures.Day(time) : isEnd && days == 1 ? $"{Figures.Day(time)} {Clock(time)}" : Clock(time);
    }

    private static string Clock(DateTimeOffset time) => time.ToString("HH:mm", CultureInfo.InvariantCulture);
}
