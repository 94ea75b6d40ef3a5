using System.Buffers;
using System.Text.Json;

namespace MLflow;

/// <summary>The fields of a form, by the rules by which OpenAI's clients write arrays and objects into one.</summary>
internal sealed class FormObject
{
    private readonly List<(string Name, bool IsArray, List<byte[]> Values, FormObject? Object)> _fields = [];

    /// <summary>The field of the top object to which a name belongs: <c>x</c> for <c>x[]</c> and <c>x[y]</c>.</summary>
    public static string TopOf(string name) => name.IndexOf('[', StringComparison.Ordinal) is > 0 and var at && name[^1] == ']' ? name[..at] : name;

    /// <summary>Adds a value, JSON text, under a name as it stands in a form.</summary>
    public void Add(string name, byte[] value)
    {
        var top = TopOf(name);
        var key = top.Length == name.Length ? null : name[(top.Length + 1)..name.IndexOf(']', top.Length)];
        var at = _fields.FindIndex(field => field.Name == top);
        if (at < 0)
        {
            at = _fields.Count;
            _fields.Add((top, false, [], null));
        }

        var field = _fields[at];
        if (string.IsNullOrEmpty(key))
        {
            field.Values.Add(value);
            _fields[at] = field with { IsArray = field.IsArray || key is not null || field.Values.Count > 1 };
            return;
        }

        var child = field.Object ?? new FormObject();
        child.Add(key + name[(top.Length + key.Length + 2)..], value);
        _fields[at] = field with { Object = child };
    }

    public byte[] Write()
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using var json = new Utf8JsonWriter(buffer, JsonText.WriterOptions);
        Write(json);
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        foreach (var field in _fields)
        {
            json.WritePropertyName(field.Name);
            if (field.Object is not null && field.Values.Count == 0)
            {
                field.Object.Write(json);
                continue;
            }

            if (!field.IsArray)
            {
                json.WriteRawValue(field.Values[0], skipInputValidation: true);
                continue;
            }

            json.WriteStartArray();
            foreach (var value in field.Values)
            {
                json.WriteRawValue(value, skipInputValidation: true);
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
    }
}
