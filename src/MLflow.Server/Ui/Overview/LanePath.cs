using System.Globalization;
using System.Text;

namespace MLflow.Server.Ui.Overview;

/// <summary>Paths of bars and lines over pieces of time, in a field of 1000 by 62 that is stretched to the width of the page.</summary>
internal static class LanePath
{
    public const double Width = 1000;
    public const double Height = 62;

    /// <summary>The line under the bars.</summary>
    public static string Base => string.Create(CultureInfo.InvariantCulture, $"M0 {Height + 0.5}H{Width}");

    /// <summary>A line from top to bottom.</summary>
    /// <param name="share">Of the width, 0 to 1.</param>
    public static string Grid(double share) => string.Create(CultureInfo.InvariantCulture, $"M{Width * share:0.#} 0V{Height}");

    /// <summary>Bars on a base line, or on other bars.</summary>
    /// <param name="values">One for each piece of time.</param>
    /// <param name="top">The value at the upper edge.</param>
    /// <param name="below">What they stand on; null for the base line.</param>
    public static string Bars(IReadOnlyList<double> values, double top, IReadOnlyList<double>? below = null)
    {
        var path = new StringBuilder();
        var step = Width / values.Count;
        for (var i = 0; i < values.Count; i++)
        {
            if (values[i] > 0)
            {
                var foot = Height - ((below?[i] ?? 0) / top * Height);

                // What is not nothing is seen.
                var height = Math.Max(0.8, values[i] / top * Height);
                Append(path, $"M{(i * step) + 0.6:0.#} {foot:0.#}h{step - 1.5:0.#}v{-height:0.#}h{-(step - 1.5):0.#}z");
            }
        }

        return path.ToString();
    }

    /// <summary>A line through the middles of the pieces that have a value, broken where one has none.</summary>
    public static string Line(IReadOnlyList<double?> values, double top)
    {
        var path = new StringBuilder();
        foreach (var run in Runs(values))
        {
            path.Append('M');
            Points(path, run, values, top);
            if (run.Count == 1)
            {
                // A point alone would not be seen.
                path.Append("h2");
            }
        }

        return path.ToString();
    }

    /// <summary>The band between two lines that have values at the same pieces.</summary>
    public static string Band(IReadOnlyList<double?> lower, IReadOnlyList<double?> upper, double top)
    {
        var path = new StringBuilder();
        foreach (var run in Runs(lower))
        {
            path.Append('M');
            Points(path, run, upper, top);
            path.Append('L');
            Points(path, [.. run.AsEnumerable().Reverse()], lower, top);
            path.Append('z');
        }

        return path.ToString();
    }

    private static void Points(StringBuilder path, List<int> run, IReadOnlyList<double?> values, double top)
    {
        for (var i = 0; i < run.Count; i++)
        {
            var x = (run[i] + 0.5) * Width / values.Count;
            Append(path, $"{(i == 0 ? "" : "L")}{x:0.#} {Height - (values[run[i]]!.Value / top * Height):0.#}");
        }
    }

    private static List<List<int>> Runs(IReadOnlyList<double?> values)
    {
        var runs = new List<List<int>>();
        for (var i = 0; i < values.Count; i++)
        {
            if (values[i] is null)
            {
                continue;
            }

            if (i == 0 || values[i - 1] is null)
            {
                runs.Add([]);
            }

            runs[^1].Add(i);
        }

        return runs;
    }

    private static void Append(StringBuilder path, FormattableString text) => path.Append(text.ToString(CultureInfo.InvariantCulture));
}
