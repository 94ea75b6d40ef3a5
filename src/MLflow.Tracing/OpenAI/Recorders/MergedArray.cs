using System.Buffers;
using System.Text.Json;

namespace MLflow;

/// <summary>An array whose items come in pieces.</summary>
internal sealed class MergedArray
{
    private readonly MergedArrayKind _kind;
    private readonly List<MergedObject> _items = [];
    private readonly ArrayBufferWriter<byte> _appended = new();

    public MergedArray(MergedArrayKind kind) => _kind = kind;

    /// <summary>Reads the array at which the reader stands.</summary>
    /// <returns>True when it had an item.</returns>
    public bool Add(ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        var any = false;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            any = true;
            if (_kind == MergedArrayKind.Appended || reader.TokenType != JsonTokenType.StartObject)
            {
                if (_appended.WrittenCount > 0)
                {
                    _appended.Write(","u8);
                }

                _appended.Write(JsonText.RawValue(ref reader, json));
            }
            else
            {
                ItemFor(reader).Add(ref reader, json);
            }
        }

        return any;
    }

    /// <summary>Appends to the last part when that is a text, else adds a text part.</summary>
    public void AppendText(ReadOnlySpan<byte> escaped)
    {
        if (_items.Count == 0 || !_items[^1].RawEquals("type"u8, "\"text\""u8))
        {
            var part = new MergedObject();
            part.Field("type"u8).SetRaw("\"text\""u8);
            _items.Add(part);
        }

        _items[^1].Field("text"u8).AppendText(escaped);
    }

    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartArray();
        if (_appended.WrittenCount > 0)
        {
            writer.WriteRawValue(_appended.WrittenSpan, skipInputValidation: true);
        }

        foreach (var item in _items)
        {
            item.Write(writer, _kind == MergedArrayKind.Calls ? "index"u8 : default);
        }

        writer.WriteEndArray();
    }

    /// <summary>Finds the item that the piece continues, or adds one. The piece is looked at with a copy of the reader.</summary>
    private MergedObject ItemFor(Utf8JsonReader reader)
    {
        ReadOnlySpan<byte> index = default, id = default, type = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isIndex = reader.TextEquals("index"u8);
            var isId = reader.TextEquals("id"u8);
            var isType = reader.TextEquals("type"u8);
            reader.Read();
            if (isIndex && reader.TokenType == JsonTokenType.Number)
            {
                index = reader.ValueSpan;
            }
            else if (isId && reader.TokenType == JsonTokenType.String)
            {
                id = reader.ValueSpan;
            }
            else if (isType && reader.TokenType == JsonTokenType.String)
            {
                type = reader.ValueSpan;
            }

            reader.Skip();
        }

        var item = _kind == MergedArrayKind.Calls ? FindCall(index, id) : FindPart(index, type);
        if (item is null)
        {
            item = new MergedObject { Key = index.ToArray(), Id = id.ToArray(), Type = type.ToArray() };
            _items.Add(item);
        }
        else if (item.Id.Length == 0)
        {
            item.Id = id.ToArray();
        }

        return item;
    }

    /// <summary>
    /// By index; but a second id under one index is another call: some servers number all parallel calls 0. Where there is no index, by id, and a piece
    /// with neither continues the last call.
    /// </summary>
    private MergedObject? FindCall(ReadOnlySpan<byte> index, ReadOnlySpan<byte> id)
    {
        for (var i = _items.Count - 1; i >= 0; i--)
        {
            var item = _items[i];
            if ((index.IsEmpty || index.SequenceEqual(item.Key)) && (id.IsEmpty || item.Id.Length == 0 || id.SequenceEqual(item.Id)))
            {
                return item;
            }
        }

        return null;
    }

    private MergedObject? FindPart(ReadOnlySpan<byte> index, ReadOnlySpan<byte> type)
    {
        if (index.IsEmpty)
        {
            return _items.Count > 0 && type.SequenceEqual(_items[^1].Type) ? _items[^1] : null;
        }

        foreach (var item in _items)
        {
            if (index.SequenceEqual(item.Key) && type.SequenceEqual(item.Type))
            {
                return item;
            }
        }

        return null;
    }
}
