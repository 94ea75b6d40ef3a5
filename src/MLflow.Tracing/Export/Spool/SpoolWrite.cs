namespace MLflow;

/// <summary>Exports on their way to the disk, of which not all may fit.</summary>
/// <param name="exports">In their order.</param>
/// <param name="counts">Of each, whether it stands for its trace in the counters.</param>
/// <param name="areWritten">Of each, whether it is on the disk.</param>
internal sealed class SpoolWrite(IReadOnlyList<QueuedExport> exports, bool[] counts, bool[] areWritten)
{
    // Bounded by the exports.
    private readonly HashSet<ExportProgress> _refusedTraces = [];

    /// <summary>Of each, where its record ends.</summary>
    public int[] Ends { get; } = new int[exports.Count];

    /// <summary>So many bytes did not fit: neither will more, and they are not tried. What is tried gets smaller with each refusal, so there are few.</summary>
    public int Refused { get; set; } = int.MaxValue;

    /// <summary>Why the last one was refused. Null where all fit.</summary>
    public string? Refusal { get; set; }

    /// <summary>A trace on the disk that counts as one has all of its parts there.</summary>
    public bool HasRefusedTrace(int from, int to)
    {
        for (var i = from; i < to && _refusedTraces.Count > 0; i++)
        {
            if (_refusedTraces.Contains(exports[i].Progress))
            {
                return true;
            }
        }

        return false;
    }

    public void Refuse(int index) => _refusedTraces.Add(exports[index].Progress);

    /// <returns>How many traces they stand for.</returns>
    public int Take(int from, int to)
    {
        areWritten.AsSpan(from..to).Fill(true);
        return counts.AsSpan(from..to).Count(true);
    }
}
