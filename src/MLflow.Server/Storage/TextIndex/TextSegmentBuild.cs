namespace MLflow.Server.Storage.TextIndex;

/// <summary>Adds traces to a segment.</summary>
internal sealed class TextSegmentBuild
{
    /// <summary>Bounds the memory that a segment takes while it is built: 64 MB. A trace of very many grams fills it alone.</summary>
    private const int MaxPairs = 16 * 1024 * 1024;

    private readonly List<int> _pairs = [];
    private readonly List<WaitingTrace> _traces = [];
    private readonly TextSegmentState _before;

    /// <param name="before">The segment as it is.</param>
    /// <param name="pages">Its pages by their numbers.</param>
    public TextSegmentBuild(TextSegmentState before, IEnumerable<(int Page, byte[] Grams)> pages)
    {
        _before = before;
        foreach (var (page, grams) in pages)
        {
            TextSegment.Decode(page, grams, _pairs);
        }
    }

    /// <summary>The segment as it is then.</summary>
    public TextSegmentState State => _before with
    {
        Traces = _before.Traces + _traces.Count,
        IsFull = IsFull,
        MinTimeMs = _traces.Select(trace => trace.RequestTimeMs).Append(_before.MinTimeMs).Min(),
        MaxTimeMs = _traces.Select(trace => trace.RequestTimeMs).Append(_before.MaxTimeMs).Max(),
    };

    public bool IsFull => _before.Traces + _traces.Count >= TextSegment.Traces || _pairs.Count > MaxPairs;

    /// <summary>The traces that were added, with their places.</summary>
    public IEnumerable<(WaitingTrace Trace, long Place)> Added => _traces.Select((trace, i) => (trace, _before.PlaceOf(_before.Traces + i)));

    public void Add(WaitingTrace trace, int[] grams)
    {
        var place = (int)_before.Traces + _traces.Count;
        _traces.Add(trace);
        _pairs.EnsureCapacity(_pairs.Count + grams.Length);
        foreach (var gram in grams)
        {
            _pairs.Add(TextSegment.Pair(gram, place));
        }
    }

    /// <summary>Takes out all places but some.</summary>
    public void Keep(IReadOnlySet<int> places) => _pairs.RemoveAll(pair => !places.Contains(TextSegment.PlaceOf(pair)));

    public byte[][] Encode()
    {
        _pairs.Sort();
        return TextSegment.Encode(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_pairs));
    }
}
