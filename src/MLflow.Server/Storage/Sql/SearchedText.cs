using System.Text.Json;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sql;

/// <summary>
/// Writes what <see cref="SpanContent.Text"/> of a stored span is, from its columns and the JSON of its payload (<see cref="SpanPayload"/>), without making a span of it first:
/// the text index reads each span once, and would take longer for the objects than for the text.
/// </summary>
internal sealed class SearchedText
{
    /// <summary>Characters of a buffer that is not kept for the next span.</summary>
    private const int MaxKept = 1024 * 1024;

    private readonly List<(int Start, int KeyEnd, int End)> _sent = [];
    private char[] _text = new char[4096];
    private int _length;

    /// <summary>The text of a span; overwritten by the next one.</summary>
    /// <param name="columns">What stands in columns.</param>
    /// <param name="json">The payload; empty where there is none.</param>
    /// <exception cref="JsonException">It is damaged.</exception>
    public ReadOnlySpan<char> Read(SpanRecord columns, ReadOnlySpan<byte> json)
    {
        _text = _text.Length > MaxKept ? new char[4096] : _text;
        _length = 0;
        _sent.Clear();
        Line(columns.Name);
        Line(columns.StatusMessage);
        if (!json.IsEmpty)
        {
            ReadPayload(new Utf8JsonReader(json, SpanPayload.ReaderOptions));
        }

        return _text.AsSpan(0, _length);
    }

    private void ReadPayload(Utf8JsonReader reader)
    {
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("a"u8))
            {
                ReadAttributes(ref reader, _sent);
            }
            else if (reader.ValueTextEquals("m"u8))
            {
                var mapped = new List<(int Start, int KeyEnd, int End)>();
                ReadAttributes(ref reader, mapped);
                Replace(mapped);
            }
            else if (reader.ValueTextEquals("e"u8))
            {
                ReadEvents(ref reader);
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }
    }

    private void ReadAttributes(ref Utf8JsonReader reader, List<(int Start, int KeyEnd, int End)>? places)
    {
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var start = _length;
            Line(ref reader);
            var keyEnd = _length;
            reader.Read();
            ReadValue(ref reader);
            places?.Add((start, keyEnd, _length));
        }
    }

    private void ReadValue(ref Utf8JsonReader reader)
    {
        var depth = reader.CurrentDepth;
        do
        {
            if (reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String or JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False)
            {
                Line(ref reader);
            }
        }
        while ((reader.CurrentDepth > depth || reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray) && reader.Read());
    }

    private void ReadEvents(ref Utf8JsonReader reader)
    {
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("n"u8))
                {
                    reader.Read();
                    Line(ref reader);
                }
                else if (reader.ValueTextEquals("a"u8))
                {
                    ReadAttributes(ref reader, null);
                }
                else
                {
                    reader.Read();
                }
            }
        }
    }

    /// <summary>Mapped attributes stand in place of those that were sent by the same name.</summary>
    private void Replace(List<(int Start, int KeyEnd, int End)> mapped)
    {
        for (var i = _sent.Count - 1; i >= 0; i--)
        {
            var (start, keyEnd, end) = _sent[i];
            var key = _text.AsSpan(start, keyEnd - start);
            foreach (var (mappedStart, mappedKeyEnd, _) in mapped)
            {
                // What was taken out before stood behind this one, and all that is mapped moved by it.
                var moved = mapped[^1].End - _length;
                if (key.SequenceEqual(_text.AsSpan(mappedStart - moved, mappedKeyEnd - mappedStart)))
                {
                    _text.AsSpan(end, _length - end).CopyTo(_text.AsSpan(start));
                    _length -= end - start;
                    break;
                }
            }
        }
    }

    private void Line(string? piece)
    {
        Reserve((piece?.Length ?? 0) + 1);
        piece.AsSpan().CopyTo(_text.AsSpan(_length));
        _length += piece?.Length ?? 0;
        _text[_length++] = '\n';
    }

    private void Line(ref Utf8JsonReader reader)
    {
        // UTF-16 has no more units than UTF-8 has bytes.
        Reserve(reader.ValueSpan.Length + 1);
        _length += reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String
            ? reader.CopyString(_text.AsSpan(_length))
            : System.Text.Encoding.ASCII.GetChars(reader.ValueSpan, _text.AsSpan(_length));
        _text[_length++] = '\n';
    }

    private void Reserve(int more)
    {
        if (_length + more > _text.Length)
        {
            Array.Resize(ref _text, Math.Max(_length + more, 2 * _text.Length));
        }
    }
}
