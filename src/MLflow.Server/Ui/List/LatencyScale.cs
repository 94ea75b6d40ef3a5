using System.Globalization;
using MLflow.Server.Ui.Formatting;
using MLflow.Server.Ui.Spans;
using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.List;

/// <summary>The shared, linear axis of the list's latency column. It is made for nearly all rows; what is longer has a torn end.</summary>
public sealed class LatencyScale
{
    // Nine rows in ten fit, so that one slow trace does not flatten the others.
    private const double Fits = 0.9;

    // Characters of the last two labels that stand side by side in a third of the column.
    private const int MostCharacters = 8;
    private static readonly double[] Maxima = [30, 60, 150, 300, 600, 1500, 3000, 6000, 15_000, 30_000, 60_000, 150_000, 300_000, 600_000];

    private LatencyScale(double maxMs) => MaxMs = maxMs;

    /// <summary>Milliseconds at the right end.</summary>
    public double MaxMs { get; }

    /// <summary>0, a third, two thirds, the end.</summary>
    public IReadOnlyList<RulerTick> Ticks => [.. Enumerable.Range(0, 4).Select(i => new RulerTick(i * 100 / 3.0, Label(i)))];

    public static LatencyScale For(IEnumerable<TraceRow> rows)
    {
        var latencies = rows.Where(row => row.Mark != StateMark.Running).Select(row => row.LatencyMs).OfType<double>().Order().ToList();
        if (latencies.Count == 0)
        {
            return new LatencyScale(6000);
        }

        var nearly = latencies[Math.Min(latencies.Count - 1, (int)Math.Ceiling(latencies.Count * Fits) - 1)];
        return new LatencyScale(Maxima.FirstOrDefault(max => max >= nearly * 1.02, Maxima[^1]));
    }

    /// <summary>Percent of the axis.</summary>
    public double Percent(double ms) => Math.Clamp(ms / MaxMs * 100, 0, 100);

    public bool IsOver(double ms) => ms > MaxMs;

    private string Label(int third)
    {
        // The last label carries the unit; where both are long, the one before it makes room.
        if (third == 2 && Text(2).Length + Text(3).Length > MostCharacters)
        {
            return "";
        }

        return Text(third);
    }

    private string Text(int third)
    {
        var figure = MaxMs / 3 * third;
        var text = (MaxMs >= 1000 ? figure / 1000 : figure).ToString("0.#", CultureInfo.InvariantCulture);
        return third == 3 ? text + (MaxMs >= 1000 ? " s" : " ms") : text;
    }

    /// <summary>What the column's tooltip says.</summary>
    public static string Title(TraceRow row)
    {
        var total = row.LatencyMs is { } ms ? Figures.TraceDuration(ms) : T("no end received");
        return row.Mark == StateMark.Running ? T("{0} so far", total)
            : row.Info.Facts.FirstTokenMs is { } first ? T("first token of the answer {0}, total {1}", Figures.TraceDuration(first), total) : T("total {0}, not streamed", total);
    }
}
