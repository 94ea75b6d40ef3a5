using System.Text.Json;

namespace MLflow;

/// <summary>
/// An object that comes in pieces (a message, a tool call, its function): texts are joined, names and ids are kept, known lists merge by item, and of
/// everything else the last piece counts. A null never replaces a value.
/// </summary>
internal sealed class MergedObject
{
    private readonly List<MergedField> _fields = [];
    private readonly bool _appendsArrays;

    public MergedObject(bool appendsArrays = false) => _appendsArrays = appendsArrays;

    /// <summary>Raw text of the <c>index</c> under which the pieces came; empty when they came without.</summary>
    public byte[] Key { get; init; } = [];

    public byte[] Id { get; set; } = [];

    public byte[] Type { get; init; } = [];

    public bool IsEmpty => _fields.Count == 0;

    /// <summary>Reads the object at which the reader stands.</summary>
    /// <returns>True when the piece brought content: more than a role, ids, nulls and empty texts.</returns>
    public bool Add(ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        var hasContent = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var field = Field(reader.ValueSpan);
            reader.Read();
            hasContent |= reader.TokenType switch
            {
                JsonTokenType.Null => false,
                JsonTokenType.String => AddText(field, reader.ValueSpan, json[(int)reader.TokenStartIndex..(int)reader.BytesConsumed]),
                JsonTokenType.StartObject => AddObject(field, ref reader, json),
                JsonTokenType.StartArray => AddArray(field, ref reader, json),
                _ => AddScalar(field, ref reader, json),
            };
        }

        return hasContent;
    }

    /// <summary>The field of that name, added when it is missing.</summary>
    public MergedField Field(ReadOnlySpan<byte> name) => MergedField.In(_fields, name);

    public bool RawEquals(ReadOnlySpan<byte> name, ReadOnlySpan<byte> raw)
    {
        foreach (var field in _fields)
        {
            if (name.SequenceEqual(field.Name))
            {
                return field.RawEquals(raw);
            }
        }

        return false;
    }

    public void Write(Utf8JsonWriter writer, ReadOnlySpan<byte> omitted = default)
    {
        writer.WriteStartObject();
        foreach (var field in _fields)
        {
            if (omitted.IsEmpty || !omitted.SequenceEqual(field.Name))
            {
                field.Write(writer);
            }
        }

        writer.WriteEndObject();
    }

    /// <summary>Whether a text of that name is no part of the answer.</summary>
    public static bool IsSaidOnce(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("id"u8) || name.SequenceEqual("type"u8) || name.SequenceEqual("role"u8) || name.SequenceEqual("format"u8);

    private static bool AddText(MergedField field, ReadOnlySpan<byte> escaped, ReadOnlySpan<byte> raw)
    {
        var name = field.Name.AsSpan();
        if (IsSaidOnce(name))
        {
            // Or again in every piece, or again as an empty text.
            if (!escaped.IsEmpty || !field.HasValue)
            {
                field.SetRaw(raw);
            }

            return false;
        }

        // A name comes whole, but some servers repeat it in every piece.
        if (!name.SequenceEqual("name"u8) || field.Text is null || !field.Text.Content.SequenceEqual(escaped))
        {
            field.AppendText(escaped);
        }

        return !escaped.IsEmpty;
    }

    private static bool AddObject(MergedField field, ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        var name = field.Name.AsSpan();
        if (name.SequenceEqual("function"u8) || name.SequenceEqual("custom"u8) || name.SequenceEqual("function_call"u8) || name.SequenceEqual("audio"u8))
        {
            return field.GetObject().Add(ref reader, json);
        }

        field.SetRaw(JsonText.RawValue(ref reader, json));
        return true;
    }

    private static bool AddScalar(MergedField field, ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        field.SetRaw(JsonText.RawValue(ref reader, json));
        return false;
    }

    private bool AddArray(MergedField field, ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        var name = field.Name.AsSpan();
        if (_appendsArrays || name.SequenceEqual("annotations"u8))
        {
            return field.GetArray(MergedArrayKind.Appended).Add(ref reader, json);
        }

        if (name.SequenceEqual("tool_calls"u8))
        {
            return field.GetArray(MergedArrayKind.Calls).Add(ref reader, json);
        }

        if (name.SequenceEqual("content"u8) || name.SequenceEqual("summary"u8) || name.SequenceEqual("reasoning_details"u8))
        {
            return AddParts(field, ref reader, json);
        }

        field.SetRaw(JsonText.RawValue(ref reader, json));
        return true;
    }

    /// <summary>A list that holds nothing but plain text continues the text, as MLflow records it; anything else makes the field a list.</summary>
    private static bool AddParts(MergedField field, ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        if (field.Array is null && field.Name.AsSpan().SequenceEqual("content"u8) && IsPlainText(reader))
        {
            var any = false;
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    var isText = reader.TextEquals("text"u8);
                    reader.Read();
                    if (isText)
                    {
                        field.AppendText(reader.ValueSpan);
                        any |= !reader.ValueSpan.IsEmpty;
                    }
                }
            }

            return any;
        }

        return field.GetArray(MergedArrayKind.Parts).Add(ref reader, json);
    }

    private static bool IsPlainText(Utf8JsonReader reader)
    {
        var any = false;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isText = reader.TextEquals("text"u8);
                var isType = reader.TextEquals("type"u8);
                reader.Read();
                if (reader.TokenType != JsonTokenType.String || !(isText || (isType && reader.TextEquals("text"u8))))
                {
                    return false;
                }

                any = true;
            }
        }

        return any;
    }
}
