using System.Globalization;

namespace MLflow.Server.Ui.Overview;

/// <summary>The figure at the top of a lane.</summary>
internal static class LaneScale
{
    /// <summary>A round figure at or above the largest value.</summary>
    public static double Top(double largest, double least)
    {
        var value = Math.Max(largest, least);
        var unit = Math.Pow(10, Math.Floor(Math.Log10(value)));
        return ((double[])[1, 1.5, 2, 3, 4, 5, 6, 8, 10]).Select(step => step * unit).First(step => step >= value * 0.9999);
    }

    /// <summary><c>1,200</c>, <c>80 k</c>, <c>1.5 M</c>.</summary>
    public static string Short(double value) => value >= 1_000_000 ? string.Create(CultureInfo.InvariantCulture, $"{value / 1_000_000:0.#} M")
        : value >= 10_000 ? string.Create(CultureInfo.InvariantCulture, $"{value / 1000:0.#} k") : value.ToString("#,0", CultureInfo.InvariantCulture);
}
