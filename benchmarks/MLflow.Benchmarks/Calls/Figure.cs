using System.Globalization;

namespace MLflow.Benchmarks.Calls;

/// <summary>The median of a figure over all rounds, and the range of the middle half of them.</summary>
internal readonly record struct Figure(double Median, double Low, double High)
{
    public static Figure Of(IEnumerable<double> rounds)
    {
        var sorted = rounds.Order().ToArray();
        return new Figure(sorted[sorted.Length / 2], sorted[sorted.Length / 4], sorted[sorted.Length * 3 / 4]);
    }

    /// <summary>In microseconds, where the figure is nanoseconds.</summary>
    public string Microseconds() => Text(1000, "N2");

    /// <summary>In bytes.</summary>
    public string Bytes() => Text(1, "N0");

    private string Text(double unit, string format) => string.Format(
        CultureInfo.InvariantCulture,
        "{0} ({1} to {2})",
        (Median / unit).ToString(format, CultureInfo.InvariantCulture),
        (Low / unit).ToString(format, CultureInfo.InvariantCulture),
        (High / unit).ToString(format, CultureInfo.InvariantCulture));
}
