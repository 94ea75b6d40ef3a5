namespace MLflow.Server.Ui.Streaming;

/// <summary>Two drawings of one stream on one time scale: the ribbon (how fast) and the gaps (how evenly).</summary>
public static class StreamChart
{
    // Bars narrower than this are drawn together; a ribbon of 10,000 chunks stays a ribbon.
    private const double Narrowest = 0.22;
    private const double RateWindowMs = 60;

    // The tallest gap that the logarithmic scale tells apart.
    private const double TallestGapMs = 1000;

    /// <summary>Bars from each chunk to the next; height is the rate around it.</summary>
    public static IReadOnlyList<StreamBar> Ribbon(StreamView stream)
    {
        var chunks = stream.Chunks.Where(chunk => chunk.AtMs >= stream.FirstTokenMs - 1).ToList();
        var bars = new List<StreamBar>();
        if (chunks.Count == 0 || stream.EndMs <= 0)
        {
            return bars;
        }

        var rates = Rates(chunks);
        var fastest = Math.Max(1, rates.Max());
        for (var i = 0; i < chunks.Count;)
        {
            var last = i;
            while (last + 1 < chunks.Count && Percent(stream, chunks[last + 1].AtMs - chunks[i].AtMs) < Narrowest)
            {
                last++;
            }

            var until = last + 1 < chunks.Count ? chunks[last + 1].AtMs : stream.EndMs;
            var width = Percent(stream, until - chunks[i].AtMs);
            var left = Percent(stream, chunks[i].AtMs);
            var height = 24 + 76.0 * rates[i] / fastest;
            if (until - chunks[last].AtMs > StreamView.StallMs && last + 1 < chunks.Count)
            {
                bars.Add(new StreamBar(left, Math.Min(0.5, width), height, false));
                bars.Add(new StreamBar(left + 0.5, Math.Max(0, width - 0.5), 36, true));
            }
            else
            {
                bars.Add(new StreamBar(left, Math.Max(width - 0.08, 0.12), height, false));
            }

            i = last + 1;
        }

        return bars;
    }

    /// <summary>A bar as wide as each wait between chunks; height is that wait on a logarithmic scale.</summary>
    public static IReadOnlyList<StreamBar> Gaps(StreamView stream)
    {
        var bars = new List<StreamBar>();
        if (stream.EndMs <= 0)
        {
            return bars;
        }

        foreach (var chunk in stream.Chunks.Skip(1).Where(chunk => chunk.AtMs > stream.FirstTokenMs))
        {
            var from = Math.Max(stream.FirstTokenMs, chunk.AtMs - chunk.GapMs);
            bars.Add(new StreamBar(Percent(stream, from), Math.Max(0.12, Percent(stream, chunk.AtMs - from) - 0.08), GapHeight(chunk.GapMs), chunk.GapMs > StreamView.StallMs));
        }

        return bars;
    }

    /// <summary>Percent of the chart's height for a gap in milliseconds.</summary>
    public static double GapHeight(double gapMs) => Math.Clamp(Math.Log10(1 + gapMs) / Math.Log10(1 + TallestGapMs) * 100, 4, 100);

    /// <summary>Percent of the chart's width for an instant in milliseconds.</summary>
    public static double Percent(StreamView stream, double ms) => Math.Clamp(ms / stream.EndMs * 100, 0, 100);

    private static double[] Rates(List<StreamChunk> chunks)
    {
        var rates = new double[chunks.Count];
        var from = 0;
        var to = 0;
        for (var i = 0; i < chunks.Count; i++)
        {
            while (chunks[i].AtMs - chunks[from].AtMs > RateWindowMs)
            {
                from++;
            }

            while (to + 1 < chunks.Count && chunks[to + 1].AtMs - chunks[i].AtMs <= RateWindowMs)
            {
                to++;
            }

            to = Math.Max(to, i);
            rates[i] = to - from + 1;
        }

        return rates;
    }
}
