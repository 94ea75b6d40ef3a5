using System.Buffers;

namespace MLflow;

/// <summary>
/// Of an event stream that passes and of which only the figures are wanted, keeps the events that tell them: usage, errors, and of chat how it ended. Recorders find the
/// same figures in these as in all; how another stream ended they may not find. What is no event stream, or has events that are too long to be held, is kept as it is.
/// </summary>
internal sealed class EventSieve : IBodyFilter
{
    /// <summary>Most bytes of one event that are held until it is whole.</summary>
    public const int MaxHeldBytes = 16 << 10;

    private readonly ArrayBufferWriter<byte> _kept = new();
    private readonly ArrayBufferWriter<byte> _held = new();
    private byte[]? _usage;
    private bool _isTooLong;

    public IReadOnlyList<FilePart> Files => [];

    public ReadOnlySpan<byte> Pass(ReadOnlySpan<byte> bytes)
    {
        _kept.ResetWrittenCount();
        while (bytes.IndexOf((byte)'\n') is >= 0 and var end)
        {
            _held.Write(bytes[..(end + 1)]);
            bytes = bytes[(end + 1)..];
            if (EndsEvent(_held.WrittenSpan))
            {
                Decide(_held.WrittenSpan);
                _held.ResetWrittenCount();
                _isTooLong = false;
            }
        }

        _held.Write(bytes);
        if (_held.WrittenCount > MaxHeldBytes)
        {
            _isTooLong = true;
            Keep(_held.WrittenSpan);
            _held.ResetWrittenCount();
        }

        return _kept.WrittenSpan;
    }

    public ReadOnlySpan<byte> End()
    {
        _kept.ResetWrittenCount();
        Keep(_held.WrittenSpan);
        _held.ResetWrittenCount();
        return _kept.WrittenSpan;
    }

    private static bool EndsEvent(ReadOnlySpan<byte> held) =>
        held.EndsWith("\n\n"u8) || held.EndsWith("\n\r\n"u8) || held.SequenceEqual("\n"u8) || held.SequenceEqual("\r\n"u8);

    private void Decide(ReadOnlySpan<byte> block)
    {
        if (_isTooLong || Says(block, "\"error\""u8) || Says(block, "\"last_error\""u8) || Says(block, "\"finish_reason\""u8)
            || block.IndexOf("event: error"u8) >= 0 || block.IndexOf("event:error"u8) >= 0 || block.IndexOf("[DONE]"u8) >= 0)
        {
            Keep(block);
        }
        else if (Says(block, "\"usage\""u8))
        {
            if (block.IndexOf("\"choices\""u8) < 0)
            {
                Keep(block);
            }
            else
            {
                // Some servers tell it with each piece, of all so far: the last one counts.
                _usage = block.ToArray();
            }
        }
    }

    private void Keep(ReadOnlySpan<byte> block)
    {
        _kept.Write(_usage);
        _usage = null;
        _kept.Write(block);
    }

    /// <summary>
    /// Whether a member has a value other than null and the empty text, or the name is a value itself (<c>"type": "error"</c>). Within a text its quotation marks would be
    /// escaped.
    /// </summary>
    private static bool Says(ReadOnlySpan<byte> block, ReadOnlySpan<byte> name)
    {
        while (block.IndexOf(name) is >= 0 and var at)
        {
            block = block[(at + name.Length)..];
            var value = block.TrimStart(": \t\r\n"u8);
            if (!value.StartsWith("null"u8) && !value.StartsWith("\"\""u8))
            {
                return true;
            }
        }

        return false;
    }
}
