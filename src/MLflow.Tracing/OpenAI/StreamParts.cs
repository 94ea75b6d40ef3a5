using System.Buffers;

namespace MLflow;

/// <summary>The parts of an event stream that broke and was taken up again, as the one stream that they are to the program.</summary>
internal static class StreamParts
{
    /// <summary>
    /// Joins them: of each part that another one follows, what stands up to its last event with an id. The server was asked for all that came behind
    /// it, so it comes again; of a part without ids, all.
    /// </summary>
    /// <param name="parts">The parts; their memory is given back.</param>
    /// <param name="repeated">Events that are left out because they came again.</param>
    /// <returns>The stream, with the times of its parts.</returns>
    public static CapturedBody Join(IReadOnlyList<CapturedBody> parts, out int repeated)
    {
        var kept = new (int From, int To)[parts.Count];
        var isFollowed = false;
        repeated = 0;
        for (var i = parts.Count - 1; i >= 0; i--)
        {
            kept[i] = Kept(parts[i].Bytes, isFollowed, isLast: i == parts.Count - 1, out var events, ref repeated);
            isFollowed |= events > 0;
        }

        var bytes = ArrayPool<byte>.Shared.Rent(Math.Max(1, kept.Sum(part => part.To - part.From)));
        var marks = ArrayPool<BodyMark>.Shared.Rent(Math.Max(1, parts.Sum(part => part.Marks.Length)));
        var (length, markCount) = (0, 0);
        for (var i = 0; i < parts.Count; i++)
        {
            using var part = parts[i];
            var (from, to) = kept[i];
            foreach (var mark in part.Marks)
            {
                if (mark.Offset < to)
                {
                    marks[markCount++] = mark with { Offset = length + Math.Max(0, mark.Offset - from) };
                }
            }

            part.Bytes[from..to].CopyTo(bytes.AsSpan(length));
            length += to - from;
        }

        return new CapturedBody(bytes, length, marks, markCount, null, 0);
    }

    private static (int From, int To) Kept(ReadOnlySpan<byte> part, bool isFollowed, bool isLast, out int count, ref int repeated)
    {
        // Within the joined stream the mark would belong to a line.
        var from = part.StartsWith("\uFEFF"u8) ? 3 : 0;
        var sinceLastId = count = 0;
        var idOffset = 0;
        var events = new ServerSentEvents(part);
        while (events.MoveNext())
        {
            if (events.IsDispatched)
            {
                count++;
                sinceLastId = events.LastIdOffset == idOffset ? sinceLastId + 1 : 0;
                idOffset = events.LastIdOffset;
            }
        }

        if (isFollowed)
        {
            repeated += sinceLastId;
        }

        // What no blank line follows was never handed to the program, and would run into the next part.
        var to = isFollowed ? events.LastIdOffset : isLast ? part.Length : events.BlankLineOffset;
        return to < from ? (0, 0) : (from, to);
    }
}
