namespace MLflow;

/// <summary>Sizes of the spans of one trace, for <c>mlflow.trace.sizeStats</c>. Total, number and maximum are exact.</summary>
/// <remarks>Used by the exporter's worker only.</remarks>
internal sealed class TraceSizes
{
    /// <summary>Sizes that are kept for the percentiles. When they are full, every second one goes and from then on only every second one comes.</summary>
    public const int MaxKept = 4096;

    // Most traces have one span, whose size is the total.
    private List<int>? _kept;
    private int _stride = 1;

    public int Count { get; private set; }

    public long Total { get; private set; }

    public int Max { get; private set; }

    public void Add(int size)
    {
        if (Count > 0)
        {
            _kept ??= [(int)Total];
            if (Count % _stride == 0)
            {
                _kept.Add(size);
            }

            if (_kept.Count >= MaxKept)
            {
                Thin(_kept);
            }
        }

        Count++;
        Total += size;
        Max = Math.Max(Max, size);
    }

    /// <summary>Linear interpolation between the nearest ranks, cut to an integer, as MLflow's client has it.</summary>
    public void Percentiles(ReadOnlySpan<int> percents, Span<long> results)
    {
        if (_kept is null)
        {
            results.Fill(Total);
            return;
        }

        var sorted = _kept.ToArray();
        Array.Sort(sorted);
        for (var i = 0; i < percents.Length; i++)
        {
            var rank = (sorted.Length - 1) * percents[i] / 100.0;
            var below = (int)rank;
            var above = Math.Min(below + 1, sorted.Length - 1);
            results[i] = (long)(sorted[below] + ((sorted[above] - sorted[below]) * (rank - below)));
        }
    }

    private void Thin(List<int> sizes)
    {
        var kept = 0;
        for (var i = 0; i < sizes.Count; i += 2)
        {
            sizes[kept++] = sizes[i];
        }

        sizes.RemoveRange(kept, sizes.Count - kept);
        _stride *= 2;
    }
}
