using System.Globalization;

namespace MLflow.Server.Ui.Spans;

/// <summary>Lines at round figures.</summary>
public static class Ruler
{
    private const int MostTicks = 8;

    /// <summary>The ticks of a ruler from 0 to <paramref name="width"/> milliseconds.</summary>
    public static IReadOnlyList<RulerTick> Ticks(double width)
    {
        var step = Math.Pow(10, Math.Floor(Math.Log10(width / MostTicks)));
        foreach (var factor in (ReadOnlySpan<double>)[1, 2, 5, 10])
        {
            if (width / (step * factor) <= MostTicks)
            {
                step *= factor;
                break;
            }
        }

        var seconds = width >= 1000;
        var count = (int)Math.Floor(width / step + 1e-9);
        var ticks = new List<RulerTick>(count + 1);
        for (var i = 0; i <= count; i++)
        {
            var figure = Math.Round(i * step / (seconds ? 1000 : 1), 6);
            var label = figure.ToString("#,0.######", CultureInfo.InvariantCulture);
            ticks.Add(new RulerTick(i * step / width * 100, i == count ? label + (seconds ? " s" : " ms") : label));
        }

        return ticks;
    }
}
