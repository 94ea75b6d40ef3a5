using System.Buffers;
using System.Text.Json;

namespace MLflow;

/// <summary>
/// What the chunks of a streamed chat completion have in common. Most differ from the one before in nothing but a few characters of the answer, so that it
/// is enough to compare the rest and to append those: to parse each chunk would cost ten times as much.
/// </summary>
/// <remarks>
/// Only a chunk all of whose other members may be set again without a change becomes a template, and it is one only for the chunks that follow it at once.
/// </remarks>
internal sealed class ChunkTemplate
{
    /// <summary>A chunk with more texts is no template.</summary>
    private const int MaxSlots = 4;

    /// <summary>A longer chunk is no template.</summary>
    private const int MaxLength = 4096;

    private static readonly SearchValues<byte> StringEnds = SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(code => (byte)code), (byte)'"', (byte)'\\']);

    private readonly List<Slot> _slots = [];
    private byte[] _chunk = [];
    private int _length;
    private int _index;
    private bool _isUsable;

    /// <summary>Checks a chunk, and remembers it as the template of those to come where it can be one. <see cref="Bind"/> it when it has been merged.</summary>
    /// <returns>False when it is no JSON object.</returns>
    public bool TryLearn(ReadOnlySpan<byte> chunk)
    {
        _isUsable = false;
        _slots.Clear();
        if (!chunk.TrimStart(" \t\r\n"u8).StartsWith("{"u8))
        {
            return false;
        }

        var isRegular = chunk.Length <= MaxLength;
        try
        {
            var reader = new Utf8JsonReader(chunk, JsonText.ReaderOptions);
            reader.Read();
            isRegular = isRegular && ReadChunk(ref reader);
            while (reader.Read())
            {
            }
        }
        catch (JsonException)
        {
            return false;
        }

        if (isRegular)
        {
            if (_chunk.Length < chunk.Length)
            {
                _chunk = new byte[Math.Max(512, chunk.Length)];
            }

            chunk.CopyTo(_chunk);
            _length = chunk.Length;
        }
        else
        {
            _slots.Clear();
        }

        return true;
    }

    /// <summary>Says where the texts of the chunk that was learned have gone.</summary>
    /// <param name="choice">The choice of a number.</param>
    public void Bind(Func<int, ChatChoiceMerge> choice)
    {
        for (var i = 0; i < _slots.Count; i++)
        {
            if (_slots[i].IsText)
            {
                _slots[i] = _slots[i] with { Field = choice(_index).TextOf(_chunk.AsSpan(_slots[i].Name)) };
                _isUsable = true;
            }
        }
    }

    /// <summary>Appends the texts of a chunk that is like the last one.</summary>
    /// <param name="chunk">The chunk.</param>
    /// <param name="hasContent">Whether it brought any text.</param>
    /// <returns>False when it is not like the last one. Then nothing was appended.</returns>
    public bool TryAppend(ReadOnlySpan<byte> chunk, out bool hasContent)
    {
        hasContent = false;
        if (!_isUsable)
        {
            return false;
        }

        Span<Range> texts = stackalloc Range[MaxSlots];
        var template = _chunk.AsSpan(0, _length);
        var (at, same) = (0, 0);
        for (var i = 0; i < _slots.Count; i++)
        {
            var before = template[same.._slots[i].Start];
            if (!chunk[at..].StartsWith(before))
            {
                return false;
            }

            at += before.Length;
            var length = LengthOfText(chunk[at..]);
            if (length < 0)
            {
                return false;
            }

            texts[i] = at..(at + length);
            at += length;
            same = _slots[i].End;
        }

        if (!chunk[at..].SequenceEqual(template[same..]))
        {
            return false;
        }

        for (var i = 0; i < _slots.Count; i++)
        {
            if (_slots[i].Field is { } field)
            {
                var text = chunk[texts[i]];
                field.AppendText(text);
                hasContent |= !text.IsEmpty;
            }
        }

        return true;
    }

    /// <returns>False when the chunk cannot be a template.</returns>
    private bool ReadChunk(ref Utf8JsonReader reader)
    {
        var hasChoices = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (!TryReadName(ref reader, out var name))
            {
                return false;
            }

            if (name.SequenceEqual("choices"u8))
            {
                if (hasChoices || !ReadChoices(ref reader))
                {
                    return false;
                }

                hasChoices = true;
            }
            else if (name.SequenceEqual("obfuscation"u8) && reader.TokenType == JsonTokenType.String)
            {
                if (!TryAddSlot(ref reader, default, isText: false))
                {
                    return false;
                }
            }
            else
            {
                reader.Skip();
            }
        }

        return hasChoices;
    }

    /// <summary>Reads the list of choices, of which there must be one.</summary>
    private bool ReadChoices(ref Utf8JsonReader reader) =>
        reader.TokenType == JsonTokenType.StartArray
        && reader.Read() && reader.TokenType == JsonTokenType.StartObject && ReadChoice(ref reader)
        && reader.Read() && reader.TokenType == JsonTokenType.EndArray;

    private bool ReadChoice(ref Utf8JsonReader reader)
    {
        int? index = null;
        var hasDelta = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (!TryReadName(ref reader, out var name))
            {
                return false;
            }

            if (name.SequenceEqual("delta"u8))
            {
                if (hasDelta || reader.TokenType != JsonTokenType.StartObject || !ReadDelta(ref reader))
                {
                    return false;
                }

                hasDelta = true;
            }
            else if (name.SequenceEqual("index"u8))
            {
                if (index is not null || reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out var number))
                {
                    return false;
                }

                index = number;
            }
            else if (name.SequenceEqual("message"u8) || name.SequenceEqual("text"u8)
                || (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray && (name.SequenceEqual("logprobs"u8) || name.SequenceEqual("token_ids"u8))))
            {
                // Added to what came before, or not to be told from it.
                return false;
            }

            reader.Skip();
        }

        _index = index ?? 0;
        return hasDelta;
    }

    /// <summary>Reads a delta, which may have texts and nulls, and what is said once of the message.</summary>
    private bool ReadDelta(ref Utf8JsonReader reader)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var nameStart = (int)reader.TokenStartIndex + 1;
            if (!TryReadName(ref reader, out var name))
            {
                return false;
            }

            if (reader.TokenType == JsonTokenType.Null || (reader.TokenType == JsonTokenType.String && MergedObject.IsSaidOnce(name)))
            {
                continue;
            }

            if (reader.TokenType != JsonTokenType.String || name.SequenceEqual("name"u8) || !TryAddSlot(ref reader, nameStart..(nameStart + name.Length), isText: true))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Reads a member's name and goes on to its value. One that is escaped is not looked at further.</summary>
    private static bool TryReadName(ref Utf8JsonReader reader, out ReadOnlySpan<byte> name)
    {
        name = reader.ValueSpan;
        return !reader.ValueIsEscaped && reader.Read();
    }

    private bool TryAddSlot(ref Utf8JsonReader reader, Range name, bool isText)
    {
        if (_slots.Count == MaxSlots)
        {
            return false;
        }

        var start = (int)reader.TokenStartIndex + 1;
        _slots.Add(new Slot(start, start + reader.ValueSpan.Length, isText, name, null));
        return true;
    }

    /// <summary>Length of the JSON text that begins here, up to the quote at its end; -1 where there is none.</summary>
    private static int LengthOfText(ReadOnlySpan<byte> json)
    {
        for (var at = 0; ;)
        {
            var next = json[at..].IndexOfAny(StringEnds);
            if (next < 0)
            {
                return -1;
            }

            at += next;
            if (json[at] == (byte)'"')
            {
                return at;
            }

            var escape = LengthOfEscape(json[at..]);
            if (escape == 0)
            {
                return -1;
            }

            at += escape;
        }
    }

    /// <returns>0 where there is no escape.</returns>
    private static int LengthOfEscape(ReadOnlySpan<byte> json)
    {
        if (json is not [(byte)'\\', var letter, ..])
        {
            return 0;
        }

        return letter switch
        {
            (byte)'"' or (byte)'\\' or (byte)'/' or (byte)'b' or (byte)'f' or (byte)'n' or (byte)'r' or (byte)'t' => 2,
            (byte)'u' when json.Length >= 6 && char.IsAsciiHexDigit((char)json[2]) && char.IsAsciiHexDigit((char)json[3])
                && char.IsAsciiHexDigit((char)json[4]) && char.IsAsciiHexDigit((char)json[5]) => 6,
            _ => 0,
        };
    }

    /// <summary>A text that may differ.</summary>
    /// <param name="Start">Where it begins in the template, behind its quote.</param>
    /// <param name="End">Where it ends.</param>
    /// <param name="IsText">It is part of the answer; else it is of no interest.</param>
    /// <param name="Name">Where its name stands.</param>
    /// <param name="Field">Where it is appended.</param>
    private readonly record struct Slot(int Start, int End, bool IsText, Range Name, MergedField? Field);
}
