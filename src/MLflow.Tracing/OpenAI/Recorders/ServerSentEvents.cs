namespace MLflow;

/// <summary>
/// Cuts a captured event stream (<c>text/event-stream</c>, WHATWG HTML §9.2) into the data of its events, with the offset at which each was complete.
/// The runtime's parser is not used because it tells no offsets, and those tell when a chunk came.
/// </summary>
internal ref struct ServerSentEvents
{
    private readonly ReadOnlySpan<byte> _body;
    private ReadOnlySpan<byte> _id;
    private int _position;

    public ServerSentEvents(ReadOnlySpan<byte> body)
    {
        _body = body;
        _position = body.StartsWith("\uFEFF"u8) ? 3 : 0;
        Data = default;
    }

    /// <summary>Data of the current event; its lines joined by line feeds.</summary>
    public ReadOnlySpan<byte> Data { get; private set; }

    /// <summary>Value of the current event's <c>event:</c> line; empty when there was none.</summary>
    public ReadOnlySpan<byte> Event { get; private set; }

    /// <summary>Offset just behind the current event's last data line.</summary>
    public int EndOffset { get; private set; }

    /// <summary>False for what stood behind the last blank line: the stream may have been cut there.</summary>
    public bool IsDispatched { get; private set; }

    /// <summary>What the last <c>id:</c> line said that a blank line followed; empty when there was none.</summary>
    public ReadOnlySpan<byte> LastId { get; private set; }

    /// <summary>Offset just behind the block of lines that <see cref="LastId"/> stands in.</summary>
    public int LastIdOffset { get; private set; }

    /// <summary>What the last <c>retry:</c> line said, in milliseconds; empty when there was none.</summary>
    public ReadOnlySpan<byte> Retry { get; private set; }

    /// <summary>Offset just behind the last blank line so far.</summary>
    public int BlankLineOffset { get; private set; }

    public bool MoveNext()
    {
        var hasData = false;
        var hasId = false;
        Event = default;
        Data = default;
        while (_position < _body.Length)
        {
            var line = ReadLine(out var isTerminated);
            if (line.IsEmpty)
            {
                BlankLineOffset = _position;
                if (hasId)
                {
                    LastId = _id;
                    LastIdOffset = _position;
                    hasId = false;
                }

                if (hasData)
                {
                    IsDispatched = isTerminated;
                    return true;
                }

                Event = default;
                continue;
            }

            var colon = line.IndexOf((byte)':');
            var field = colon < 0 ? line : line[..colon];
            var value = colon < 0 ? default : line[(colon + 1)..];
            if (value.StartsWith(" "u8))
            {
                value = value[1..];
            }

            if (field.SequenceEqual("data"u8))
            {
                Data = hasData ? Join(Data, value) : value;
                hasData = true;
                EndOffset = _position;
            }
            else if (field.SequenceEqual("event"u8))
            {
                Event = value;
            }
            else if (field.SequenceEqual("id"u8) && !value.Contains((byte)0))
            {
                _id = value;
                hasId = true;
            }
            else if (field.SequenceEqual("retry"u8))
            {
                Retry = value;
            }
        }

        IsDispatched = false;
        return hasData;
    }

    private static byte[] Join(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        var joined = new byte[first.Length + 1 + second.Length];
        first.CopyTo(joined);
        joined[first.Length] = (byte)'\n';
        second.CopyTo(joined.AsSpan(first.Length + 1));
        return joined;
    }

    private ReadOnlySpan<byte> ReadLine(out bool isTerminated)
    {
        var rest = _body[_position..];
        var end = rest.IndexOfAny((byte)'\n', (byte)'\r');
        isTerminated = end >= 0;
        if (!isTerminated)
        {
            _position = _body.Length;
            return rest;
        }

        var next = end + 1;
        if (rest[end] == '\r' && next < rest.Length && rest[next] == '\n')
        {
            next++;
        }

        _position += next;
        return rest[..end];
    }
}
