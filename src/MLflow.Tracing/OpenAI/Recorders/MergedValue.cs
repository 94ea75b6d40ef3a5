using System.Text;
using System.Text.Json;

namespace MLflow;

/// <summary>
/// A JSON value that comes in pieces at known places: whole, as a text that grows, or as an object or list whose parts come one by one. A whole value is
/// taken apart only when a piece for its inside comes. No piece fails: one that does not fit replaces what was there.
/// </summary>
internal sealed class MergedValue
{
    private byte[]? _raw;
    private MergedText? _text;
    private List<KeyValuePair<byte[], MergedValue>>? _members;
    private List<KeyValuePair<int, MergedValue>>? _elements;

    /// <summary>True when nothing came, or null.</summary>
    public bool IsEmpty => _text is null && _members is null && _elements is null && (_raw is null || _raw.AsSpan().SequenceEqual("null"u8));

    /// <summary>Replaces the value.</summary>
    public void Set(ReadOnlySpan<byte> raw)
    {
        _raw = raw.ToArray();
        _text = null;
        _members = null;
        _elements = null;
    }

    /// <summary>Continues the text.</summary>
    /// <param name="escaped">Content of a string token without its quotes.</param>
    public void Append(ReadOnlySpan<byte> escaped)
    {
        if (_text is null)
        {
            _text = new MergedText();
            if (_raw is [(byte)'"', .. var text, (byte)'"'])
            {
                _text.Append(text);
            }

            _raw = null;
            _members = null;
            _elements = null;
        }

        _text.Append(escaped);
    }

    /// <summary>The object's member of that name, added where there is none.</summary>
    public MergedValue Member(ReadOnlySpan<byte> name)
    {
        foreach (var (key, value) in Members())
        {
            if (name.SequenceEqual(key))
            {
                return value;
            }
        }

        var added = new MergedValue();
        Members().Add(new(name.ToArray(), added));
        return added;
    }

    /// <summary>The list's element of that number, added where there is none. Numbers that never came leave no gap.</summary>
    public MergedValue Element(int index)
    {
        var elements = Elements();
        var at = elements.Count;
        for (; at > 0 && elements[at - 1].Key >= index; at--)
        {
            if (elements[at - 1].Key == index)
            {
                return elements[at - 1].Value;
            }
        }

        var added = new MergedValue();
        elements.Insert(at, new(index, added));
        return added;
    }

    /// <summary>Adds to the end of the list.</summary>
    public void Add(ReadOnlySpan<byte> raw) => Element(Elements() is [.., var last] && last.Key < int.MaxValue ? last.Key + 1 : 0).Set(raw);

    public void Write(Utf8JsonWriter writer)
    {
        if (_members is not null)
        {
            writer.WriteStartObject();
            foreach (var (name, value) in _members)
            {
                writer.WritePropertyName(name);
                value.Write(writer);
            }

            writer.WriteEndObject();
        }
        else if (_elements is not null)
        {
            writer.WriteStartArray();
            foreach (var (_, value) in _elements)
            {
                value.Write(writer);
            }

            writer.WriteEndArray();
        }
        else if (_text is not null)
        {
            _text.Write(writer);
        }
        else if (_raw is not null)
        {
            writer.WriteRawValue(_raw, skipInputValidation: true);
        }
        else
        {
            writer.WriteNullValue();
        }
    }

    private List<KeyValuePair<byte[], MergedValue>> Members()
    {
        if (_members is null)
        {
            _members = [];
            if (_raw is [(byte)'{', ..])
            {
                var reader = new Utf8JsonReader(_raw, JsonText.ReaderOptions);
                reader.Read();
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    var name = reader.ValueIsEscaped ? Encoding.UTF8.GetBytes(JsonText.ReadString(ref reader)) : reader.ValueSpan.ToArray();
                    reader.Read();
                    var value = new MergedValue();
                    value.Set(JsonText.RawValue(ref reader, _raw));
                    _members.Add(new(name, value));
                }
            }

            _raw = null;
            _text = null;
            _elements = null;
        }

        return _members;
    }

    private List<KeyValuePair<int, MergedValue>> Elements()
    {
        if (_elements is null)
        {
            _elements = [];
            if (_raw is [(byte)'[', ..])
            {
                var reader = new Utf8JsonReader(_raw, JsonText.ReaderOptions);
                reader.Read();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    var value = new MergedValue();
                    value.Set(JsonText.RawValue(ref reader, _raw));
                    _elements.Add(new(_elements.Count, value));
                }
            }

            _raw = null;
            _text = null;
            _members = null;
        }

        return _elements;
    }
}
