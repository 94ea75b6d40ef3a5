namespace MLflow;

/// <summary>Sizes of the spans of one trace, for <c>mlflow.trace.sizeStats</c>. Total, number and maximum are exact.</summary>
/// <remarks>Used by the exporter's worker only.</remarks>
internal sealed class TraceSizes
{
    /// <summary>Sizes that are kept for the percentiles. When they are full, every second one goes and from then on only every second one comes.</summary>
    public const int MaxKept = 4096;

    private readonly List<int> _kept = [];
    private int _stride = 1;

    public int Count { get; private set; }

    public long Total { get; private set; }

    public int Max { get; private set; }

    public void Add(int size)
    {
        if (Count++ % _stride == 0)
        {
            _kept.Add(size);
        }

        Total += size;
        Max = Math.Max(Max, size);
        if (_kept.Count >= MaxKept)
        {
            Thin();
        }
    }

    /// <summary>Linear interpolation between the nearest ranks, cut to an integer, as MLflow's client has it.</summary>
    public long[] Percentiles(params ReadOnlySpan<int> percents)
    {
        var sorted = _kept.ToArray();
        Array.Sort(sorted);
        var result = new long[percents.Length];
        for (var i = 0; i < percents.Length && sorted.Length > 0; i++)
        {
            var rank = (sorted.Length - 1) * percents[i] / 100.0;
            var below = (int)rank;
            var above = Math.Min(below + 1, sorted.Length - 1);
            result[i] = (long)(sorted[below] + ((sorted[above] - sorted[below]) * (rank - below)));
        }

        return result;
    }

    private void Thin()
    {
        var kept = 0;
        for (var i = 0; i < _kept.Count; i += 2)
        {
            _kept[kept++] = _kept[i];
        }

        _kept.RemoveRange(kept, _kept.Count - kept);
        _stride *= 2;
    }
}
