using System.Globalization;

namespace MLflow.Server.Ui.Spans;

/// <summary>Lines at round figures.</summary>
public static class Ruler
{
    private const int MostTicks = 8;

    // Labels that stand nearer would touch: longer ones sooner.
    private const double NearestPercent = 7;
    private const double PercentOfACharacter = 2.6;

    /// <summary>The ticks of a ruler from 0 to <paramref name="width"/> milliseconds.</summary>
    public static IReadOnlyList<RulerTick> Ticks(double width) => Ticks(TimeScale.Of(0, width, []));

    /// <summary>The ticks of a scale; squeezed time has none.</summary>
    public static IReadOnlyList<RulerTick> Ticks(TimeScale scale)
    {
        var width = scale.Segments.Where(segment => !segment.IsIdle).Sum(segment => segment.ToMs - segment.FromMs);
        var step = Step(width);
        var seconds = scale.ToMs >= 1000;
        var ticks = new List<RulerTick>();
        foreach (var segment in scale.Segments.Where(segment => !segment.IsIdle))
        {
            for (var i = Math.Max(0, Math.Ceiling(segment.FromMs / step - 1e-9)); i * step <= segment.ToMs + step * 1e-9; i++)
            {
                var left = scale.Left(i * step);
                var label = Math.Round(i * step / (seconds ? 1000 : 1), 6).ToString("#,0.######", CultureInfo.InvariantCulture);
                if (ticks.Count == 0 || left - ticks[^1].Left >= Math.Max(NearestPercent, label.Length * PercentOfACharacter))
                {
                    ticks.Add(new RulerTick(left, label));
                }
            }
        }

        if (ticks.Count > 0)
        {
            ticks[^1] = ticks[^1] with { Label = ticks[^1].Label + (seconds ? " s" : " ms") };
        }

        return ticks;
    }

    private static double Step(double width)
    {
        var step = Math.Pow(10, Math.Floor(Math.Log10(width / MostTicks)));
        foreach (var factor in (ReadOnlySpan<double>)[1, 2, 5, 10])
        {
            if (width / (step * factor) <= MostTicks)
            {
                return step * factor;
            }
        }

        return step * 10;
    }
}
