namespace MLflow;

/// <summary>
/// Copy of a body that passes by, in pooled segments, with the time of each read. Appending is thread-safe: the package closes a stream from a timer
/// thread when a call times out. That is rare, so it is the lock that is cheapest where nobody waits. Who does wait spins, for as long as a block is packed or
/// the whole body is put together.
/// </summary>
internal sealed class BodyCapture
{
    private const int FirstSegment = 2048;
    private const int MaxSegment = 64 << 10;

    // 64 K marks are 1 MiB; a body with more reads than that keeps the time of its last mark for the rest.
    private const int MaxMarks = 64 << 10;

    private readonly CaptureBudget _budget;
    private readonly int _maxBytes;
    private readonly bool _keepsMarks;
    private readonly IBodyFilter? _filter;
    private SpinLock _lock = new(enableThreadOwnerTracking: false);
    private List<BodyBlock>? _full;
    private byte[]? _segment;
    private int _used;
    private int _length;
    private long _leftOut;
    private int _rented;
    private bool _sealed;
    private BodyMark[]? _marks;
    private int _markCount;

    public BodyCapture(CaptureBudget budget, int maxBytes, bool keepsMarks, IBodyFilter? filter = null)
    {
        _budget = budget;
        _maxBytes = maxBytes;
        _keepsMarks = keepsMarks;
        _filter = filter;
    }

    /// <summary>Packs what it keeps, at the cost of whoever appends: for bodies that are open for long, and many of them at once.</summary>
    public bool Packs { get; init; }

    /// <summary>Bytes that passed, kept or not.</summary>
    public long TotalBytes { get; private set; }

    /// <summary>Bytes that are kept.</summary>
    public int Length => _length;

    /// <summary>Memory that it holds, which is less where they are packed and more where a segment is not full.</summary>
    public int KeptBytes => _rented;

    /// <summary>True when bytes were left out because of a limit.</summary>
    public bool IsCut => TotalBytes - _leftOut > _length;

    /// <inheritdoc cref="IBodyFilter.Files"/>
    public IReadOnlyList<FilePart> Files => _filter?.Files ?? [];

    /// <summary>Timestamp of the last byte; 0 before the first.</summary>
    public long LastByteTimestamp { get; private set; }

    public void Append(ReadOnlySpan<byte> bytes, long timestamp)
    {
        if (bytes.IsEmpty)
        {
            return;
        }

        var isTaken = false;
        try
        {
            _lock.Enter(ref isTaken);
            if (_sealed)
            {
                return;
            }

            var wasCut = IsCut;
            TotalBytes += bytes.Length;
            LastByteTimestamp = timestamp;
            if (_filter is not null)
            {
                _leftOut += bytes.Length;
                bytes = _filter.Pass(bytes);
                _leftOut -= bytes.Length;
            }

            if (wasCut)
            {
                return;
            }

            if (_keepsMarks)
            {
                Mark(timestamp);
            }

            Keep(bytes);
        }
        finally
        {
            Exit(isTaken);
        }
    }

    /// <summary>Takes what was captured; nothing is appended afterwards. Dispose the result.</summary>
    public CapturedBody Take()
    {
        var isTaken = false;
        try
        {
            _lock.Enter(ref isTaken);
            var alreadyTaken = _sealed;
            _sealed = true;
            if (!alreadyTaken && _filter is not null && !IsCut)
            {
                var rest = _filter.End();
                _leftOut -= rest.Length;
                Keep(rest);
            }

            if (alreadyTaken || _length == 0)
            {
                Free();
                return CapturedBody.Empty;
            }

            byte[] bytes;
            if (_full is null)
            {
                bytes = _segment!;
            }
            else
            {
                bytes = _budget.Rent(_length);
                CopyTo(bytes);
                ReturnSegments();
            }

            var body = new CapturedBody(bytes, _length, _marks, _markCount, _budget, _rented);
            _full = null;
            _segment = null;
            _marks = null;
            _rented = 0;
            return body;
        }
        finally
        {
            Exit(isTaken);
        }
    }

    /// <summary>A copy of what was captured so far, for a look at it. Dispose the result.</summary>
    public CapturedBody Copy()
    {
        var isTaken = false;
        try
        {
            _lock.Enter(ref isTaken);
            if (_sealed || _length == 0)
            {
                return CapturedBody.Empty;
            }

            var bytes = _budget.Rent(_length);
            CopyTo(bytes);
            return new CapturedBody(bytes, _length, null, 0, _budget, 0);
        }
        finally
        {
            Exit(isTaken);
        }
    }

    /// <summary>True when what was kept of the beginning, no more than a few events, has the given bytes.</summary>
    public bool HeadContains(ReadOnlySpan<byte> bytes)
    {
        var isTaken = false;
        try
        {
            _lock.Enter(ref isTaken);
            var head = _sealed ? default : _full is [var first, ..] ? first.Open() : _segment.AsSpan(0, _used);
            return head[..Math.Min(head.Length, FirstSegment)].IndexOf(bytes) >= 0;
        }
        finally
        {
            Exit(isTaken);
        }
    }

    /// <summary>-1 where nothing is kept.</summary>
    public int FirstByte
    {
        get
        {
            var isTaken = false;
            try
            {
                _lock.Enter(ref isTaken);
                return _sealed || _length == 0 ? -1 : (_full is [var first, ..] ? first.Open() : _segment)[0];
            }
            finally
            {
                Exit(isTaken);
            }
        }
    }

    /// <summary>True when the same bytes passed by, as far as both were kept.</summary>
    public bool IsSameAs(BodyCapture other)
    {
        if (TotalBytes != other.TotalBytes || Length != other.Length || !Files.SequenceEqual(other.Files))
        {
            return false;
        }

        using var mine = Copy();
        using var others = other.Copy();
        return mine.Bytes.SequenceEqual(others.Bytes);
    }

    /// <summary>Gives the memory back.</summary>
    public void Discard()
    {
        var isTaken = false;
        try
        {
            _lock.Enter(ref isTaken);
            _sealed = true;
            Free();
        }
        finally
        {
            Exit(isTaken);
        }
    }

    private void Exit(bool isTaken)
    {
        if (isTaken)
        {
            _lock.Exit(useMemoryBarrier: false);
        }
    }

    private void Mark(long timestamp)
    {
        if (_markCount > 0 && _marks![_markCount - 1].Time == timestamp)
        {
            return;
        }

        _marks ??= _budget.Marks.Rent(16);
        if (_markCount == _marks.Length)
        {
            if (_markCount >= MaxMarks)
            {
                return;
            }

            var larger = _budget.Marks.Rent(_markCount * 2);
            _marks.CopyTo(larger, 0);
            _budget.Marks.Return(_marks);
            _marks = larger;
        }

        _marks[_markCount++] = new BodyMark(_length, timestamp);
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        var room = _maxBytes - _length;
        if (bytes.Length > room)
        {
            bytes = bytes[..room];
        }

        while (!bytes.IsEmpty)
        {
            if ((_segment is null || _used == _segment.Length) && !TryAddSegment(bytes.Length))
            {
                return;
            }

            var part = Math.Min(bytes.Length, _segment!.Length - _used);
            bytes[..part].CopyTo(_segment.AsSpan(_used));
            _used += part;
            _length += part;
            bytes = bytes[part..];
        }
    }

    private void CopyTo(Span<byte> target)
    {
        foreach (var block in _full ?? [])
        {
            block.CopyTo(target);
            target = target[block.Length..];
        }

        _segment.AsSpan(0, _used).CopyTo(target);
    }

    private bool TryAddSegment(int wanted)
    {
        if (Packs && _segment is { Length: BodyBlock.PackedLength } && BodyBlock.Pack(_segment) is { } packed)
        {
            if (!TryTake(packed.Bytes.Length))
            {
                return false;
            }

            (_full ??= []).Add(packed);
            _used = 0;
            return true;
        }

        var size = Math.Clamp(Math.Max(wanted, _segment?.Length * 2 ?? FirstSegment), FirstSegment, Packs ? BodyBlock.PackedLength : MaxSegment);
        var segment = _budget.Rent(size);
        if (!TryTake(segment.Length))
        {
            _budget.Return(segment);
            return false;
        }

        if (Packs && _segment is { Length: < BodyBlock.PackedLength } beginning)
        {
            // What is packed at once has to be in one piece.
            beginning.CopyTo(segment, 0);
            _segment = segment;
            _rented -= beginning.Length;
            _budget.Return(beginning.Length);
            _budget.Return(beginning);
            return true;
        }

        if (_segment is not null)
        {
            (_full ??= []).Add(new BodyBlock(_segment, _segment.Length, false));
        }

        _segment = segment;
        _used = 0;
        return true;
    }

    private bool TryTake(int bytes)
    {
        var isTaken = _budget.TryTake(bytes);
        _rented += isTaken ? bytes : 0;
        return isTaken;
    }

    private void Free()
    {
        ReturnSegments();
        if (_marks is not null)
        {
            _budget.Marks.Return(_marks);
            _marks = null;
        }

        _budget.Return(_rented);
        _rented = 0;
    }

    private void ReturnSegments()
    {
        foreach (var block in _full ?? [])
        {
            if (!block.IsPacked)
            {
                _budget.Return(block.Bytes);
            }
        }

        _full = null;
        if (_segment is not null)
        {
            _budget.Return(_segment);
            _segment = null;
        }
    }
}
