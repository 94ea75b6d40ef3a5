using System.Text.Json;

namespace MLflow;

/// <summary>One field of a merged object: a text that grows, a value that the last chunk decides, or something that merges by itself.</summary>
internal sealed class MergedField
{
    private byte[]? _raw;

    public MergedField(byte[] name) => Name = name;

    public byte[] Name { get; }

    public MergedText? Text { get; private set; }

    public MergedObject? Object { get; private set; }

    public MergedArray? Array { get; private set; }

    public bool HasValue => Text is not null || Object is not null || Array is not null || _raw is not null;

    /// <summary>The field of that name, added at the end where it is new.</summary>
    public static MergedField In(List<MergedField> fields, ReadOnlySpan<byte> name)
    {
        foreach (var field in fields)
        {
            if (name.SequenceEqual(field.Name))
            {
                return field;
            }
        }

        var added = new MergedField(name.ToArray());
        fields.Add(added);
        return added;
    }

    /// <summary>Appends to the text; where the field has become a list of parts, to its last text part.</summary>
    public void AppendText(ReadOnlySpan<byte> escaped)
    {
        if (Array is not null)
        {
            Array.AppendText(escaped);
            return;
        }

        _raw = null;
        (Text ??= new MergedText()).Append(escaped);
    }

    /// <summary>Keeps a value; nothing is copied when it is the one that is kept already, which is the rule for ids and models.</summary>
    public void SetRaw(ReadOnlySpan<byte> raw)
    {
        if (!raw.SequenceEqual(_raw))
        {
            _raw = raw.ToArray();
            Text = null;
        }
    }

    public bool RawEquals(ReadOnlySpan<byte> raw) => raw.SequenceEqual(_raw);

    public MergedObject GetObject(bool appendsArrays = false) => Object ??= new MergedObject(appendsArrays);

    /// <summary>The list in which the field's items merge. Text that came before becomes its first part.</summary>
    public MergedArray GetArray(MergedArrayKind kind)
    {
        if (Array is null)
        {
            Array = new MergedArray(kind);
            if (Text is { IsEmpty: false })
            {
                Array.AppendText(Text.Content);
            }
        }

        return Array;
    }

    public void Write(Utf8JsonWriter writer)
    {
        writer.WritePropertyName(Name);
        if (Array is not null)
        {
            Array.Write(writer);
        }
        else if (Object is not null)
        {
            Object.Write(writer);
        }
        else if (Text is not null)
        {
            Text.Write(writer);
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
}
