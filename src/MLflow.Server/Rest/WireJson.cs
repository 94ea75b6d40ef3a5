using System.Text.Json;

namespace MLflow.Server.Rest;

/// <summary>Fields of answers as protobuf's JSON has them: what is absent or empty is left out.</summary>
internal static class WireJson
{
    public static void WriteText(this Utf8JsonWriter writer, string name, string? value)
    {
        if (value is not null)
        {
            writer.WriteString(name, value);
        }
    }

    public static void WriteMap(this Utf8JsonWriter writer, string name, IReadOnlyDictionary<string, string> map)
    {
        if (map.Count == 0)
        {
            return;
        }

        writer.WriteStartObject(name);
        foreach (var (key, value) in map)
        {
            writer.WriteString(key, value);
        }

        writer.WriteEndObject();
    }

    /// <summary>A map as the list of <c>{"key":…,"value":…}</c> that older calls have.</summary>
    public static void WritePairs(this Utf8JsonWriter writer, string name, IReadOnlyCollection<KeyValuePair<string, string>> pairs) =>
        writer.WriteList(name, pairs, static (w, pair) =>
        {
            w.WriteStartObject();
            w.WriteString("key", pair.Key);
            w.WriteString("value", pair.Value);
            w.WriteEndObject();
        });

    public static void WriteList<T>(this Utf8JsonWriter writer, string name, IReadOnlyCollection<T> items, Action<Utf8JsonWriter, T> write)
    {
        if (items.Count > 0)
        {
            writer.WriteArray(name, items, write);
        }
    }

    /// <summary>A list that stands there also when it is empty, as in documents that are not protobuf's.</summary>
    public static void WriteArray<T>(this Utf8JsonWriter writer, string name, IEnumerable<T> items, Action<Utf8JsonWriter, T> write)
    {
        writer.WriteStartArray(name);
        foreach (var item in items)
        {
            write(writer, item);
        }

        writer.WriteEndArray();
    }
}
