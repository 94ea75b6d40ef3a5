using System.Buffers;
using System.Text.Json;

namespace MLflow;

/// <summary>
/// Turns the facts of a trace, which are encoded for an experiment, into those of Unity Catalog's API: the info without a wrapper, its id without the place, another location and
/// version.
/// </summary>
internal static class CatalogTraceInfo
{
    private const string SchemaVersion = "4";

    /// <param name="facts">The body of StartTraceV3.</param>
    /// <param name="location">The place in the catalog.</param>
    /// <param name="hex">The trace's id, 32 hexadecimal digits.</param>
    /// <param name="root">What the facts say that belongs on the root span, too: <c>session.id</c> and <c>user.id</c>.</param>
    public static ReadOnlyMemory<byte> Write(ReadOnlyMemory<byte> facts, CatalogLocation location, out string hex, out IReadOnlyList<KeyValuePair<string, string>> root)
    {
        using var document = JsonDocument.Parse(facts, new JsonDocumentOptions { MaxDepth = AnyValueReader.MaxDepth });
        var info = document.RootElement.GetProperty("trace").GetProperty("trace_info");
        var id = info.GetProperty("trace_id").GetString()!;
        hex = id[(id.LastIndexOf('/') + 1)..];
        var buffer = new ArrayBufferWriter<byte>(facts.Length);
        using (var json = new Utf8JsonWriter(buffer, AttributeJson.WriterOptions))
        {
            json.WriteStartObject();
            foreach (var member in info.EnumerateObject())
            {
                switch (member.Name)
                {
                    case "trace_id":
                        json.WriteString(member.Name, hex);
                        break;
                    case "trace_location":
                        json.WritePropertyName(member.Name);
                        WriteLocation(json, location);
                        break;
                    case "trace_metadata":
                        WriteMetadata(json, member.Value);
                        break;
                    default:
                        member.WriteTo(json);
                        break;
                }
            }

            json.WriteEndObject();
        }

        var metadata = info.GetProperty("trace_metadata");
        root = [.. new[] { ("session.id", TraceKeys.Session), ("user.id", TraceKeys.User) }
            .Select(pair => KeyValuePair.Create(pair.Item1, ApiJson.Text(metadata, pair.Item2)!))
            .Where(pair => pair.Value is not null)];
        return buffer.WrittenMemory;
    }

    public static void WriteLocation(Utf8JsonWriter json, CatalogLocation location)
    {
        var kind = location.Prefix is null ? "UC_SCHEMA" : "UC_TABLE_PREFIX";
        json.WriteStartObject();
        json.WriteString("type", kind);
        json.WriteStartObject(kind.ToLowerInvariant());
        json.WriteString("catalog_name", location.Catalog);
        json.WriteString("schema_name", location.Schema);
        if (location.Prefix is not null)
        {
            json.WriteString("table_prefix", location.Prefix);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteMetadata(Utf8JsonWriter json, JsonElement metadata)
    {
        json.WriteStartObject("trace_metadata");
        foreach (var pair in metadata.EnumerateObject())
        {
            if (pair.Name == TraceKeys.SchemaVersion)
            {
                json.WriteString(pair.Name, SchemaVersion);
            }
            else
            {
                pair.WriteTo(json);
            }
        }

        json.WriteEndObject();
    }
}
