using System.Buffers;

namespace MLflow.Server.Storage.TextIndex;

/// <summary>Adds traces to a segment. Its memory is that of a pool: dispose it.</summary>
internal sealed class TextSegmentBuild : IDisposable
{
    private const int FirstPairs = 64 * 1024;

    /// <summary>Half of a gram's bits: grams are sorted by the lower half, then by the upper one.</summary>
    private const int DigitBits = TextGrams.Bits / 2;

    /// <summary>Bounds the memory that a segment takes while it is built: 64 MB. A trace of very many grams fills it alone.</summary>
    private const int MaxPairs = 16 * 1024 * 1024;

    private readonly List<WaitingTrace> _traces = [];
    private readonly TextSegmentState _before;
    private int[] _pairs = ArrayPool<int>.Shared.Rent(FirstPairs);
    private int _count;

    /// <param name="before">The segment as it is.</param>
    /// <param name="pages">Its pages by their numbers.</param>
    public TextSegmentBuild(TextSegmentState before, IEnumerable<(int Page, byte[] Grams)> pages)
    {
        _before = before;
        var decoded = new List<int>();
        foreach (var (page, grams) in pages)
        {
            decoded.Clear();
            TextSegment.Decode(page, grams, decoded);
            Reserve(decoded.Count);
            decoded.CopyTo(_pairs, _count);
            _count += decoded.Count;
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

    public bool IsFull => _before.Traces + _traces.Count >= TextSegment.Traces || _count > MaxPairs;

    /// <summary>The traces that were added, with their places.</summary>
    public IEnumerable<(WaitingTrace Trace, long Place)> Added => _traces.Select((trace, i) => (trace, _before.PlaceOf(_before.Traces + i)));

    public void Add(WaitingTrace trace, int[] grams)
    {
        var place = (int)_before.Traces + _traces.Count;
        _traces.Add(trace);
        Reserve(grams.Length);
        foreach (var gram in grams)
        {
            _pairs[_count++] = TextSegment.Pair(gram, place);
        }
    }

    /// <summary>Takes out all places but some.</summary>
    public void Keep(IReadOnlySet<int> places)
    {
        var kept = 0;
        foreach (var pair in _pairs.AsSpan(0, _count))
        {
            if (places.Contains(TextSegment.PlaceOf(pair)))
            {
                _pairs[kept++] = pair;
            }
        }

        _count = kept;
    }

    public byte[][] Encode()
    {
        // Pairs of one gram are in the order of their places already: those of the pages, then those of the traces in the order in which they were added.
        var other = ArrayPool<int>.Shared.Rent(_count);
        Sort(_pairs, other, TextSegment.PlaceBits);
        Sort(other, _pairs, TextSegment.PlaceBits + DigitBits);
        ArrayPool<int>.Shared.Return(other);
        return TextSegment.Encode(_pairs.AsSpan(0, _count));
    }

    public void Dispose()
    {
        ArrayPool<int>.Shared.Return(_pairs);
        _pairs = [];
        _count = 0;
    }

    /// <summary>Puts the pairs into the order of some of their bits; those that have the same there stay in their order.</summary>
    private void Sort(int[] from, int[] to, int shift)
    {
        Span<int> next = stackalloc int[1 << DigitBits];
        next.Clear();
        foreach (var pair in from.AsSpan(0, _count))
        {
            next[(pair >> shift) & ((1 << DigitBits) - 1)]++;
        }

        var start = 0;
        foreach (ref var each in next)
        {
            (each, start) = (start, start + each);
        }

        foreach (var pair in from.AsSpan(0, _count))
        {
            to[next[(pair >> shift) & ((1 << DigitBits) - 1)]++] = pair;
        }
    }

    private void Reserve(int more)
    {
        if (_count + more > _pairs.Length)
        {
            var larger = ArrayPool<int>.Shared.Rent(Math.Max(_count + more, _pairs.Length * 2));
            _pairs.AsSpan(0, _count).CopyTo(larger);
            ArrayPool<int>.Shared.Return(_pairs);
            _pairs = larger;
        }
    }
}
