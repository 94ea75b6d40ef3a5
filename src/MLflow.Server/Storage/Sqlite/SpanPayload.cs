using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using MLflow.Server.Traces;
using ZstdSharp;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>
/// What of a span is read only when its trace is opened, as a JSON object:
/// <c>{"a":{attributes},"e":[{"n":name,"t":ns,"a":{…}}],"r":{resource},"s":[scope name, scope version]}</c>, empty parts left out.
/// </summary>
internal static class SpanPayload
{
    public const int Plain = 0;
    public const int Zstd = 1;

    /// <summary>Bytes from which compression is worth its time.</summary>
    private const int CompressFrom = 256;
    private const int CompressionLevel = 1;

    private static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    // Attribute values are JSON of any depth that the decoder let in.
    private static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = 1024 };

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _buffer;

    [ThreadStatic]
    private static Compressor? _compressor;

    [ThreadStatic]
    private static Decompressor? _decompressor;

    public static byte[] Encode(SpanRecord span, out int codec)
    {
        var buffer = _buffer ??= new ArrayBufferWriter<byte>(4096);
        buffer.ResetWrittenCount();
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            writer.WriteStartObject();
            WriteAttributes(writer, "a", span.Attributes);
            WriteEvents(writer, span.Events);
            WriteAttributes(writer, "r", span.Resource);
            if (span.ScopeName is not null || span.ScopeVersion is not null)
            {
                writer.WriteStartArray("s");
                writer.WriteStringValue(span.ScopeName);
                writer.WriteStringValue(span.ScopeVersion);
                writer.WriteEndArray();
            }

            writer.WriteEndObject();
        }

        var json = buffer.WrittenSpan;
        if (json.Length >= CompressFrom)
        {
            codec = Zstd;
            return (_compressor ??= new Compressor(CompressionLevel)).Wrap(json).ToArray();
        }

        codec = Plain;
        return json.ToArray();
    }

    /// <summary>Fills a span that was read from its columns.</summary>
    public static SpanRecord Decode(SpanRecord span, int codec, ReadOnlySpan<byte> payload)
    {
        var json = codec == Zstd ? (_decompressor ??= new Decompressor()).Unwrap(payload) : payload;
        var reader = new Utf8JsonReader(json, ReaderOptions);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var part = reader.GetString();
            reader.Read();
            switch (part)
            {
                case "a":
                    span = span with { Attributes = ReadAttributes(ref reader, json) };
                    break;
                case "e":
                    span = span with { Events = ReadEvents(ref reader, json) };
                    break;
                case "r":
                    span = span with { Resource = ReadAttributes(ref reader, json) };
                    break;
                case "s":
                    reader.Read();
                    var name = reader.GetString();
                    reader.Read();
                    span = span with { ScopeName = name, ScopeVersion = reader.GetString() };
                    reader.Read();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return span;
    }

    private static void WriteAttributes(Utf8JsonWriter writer, string part, IReadOnlyList<KeyValuePair<string, string>> attributes)
    {
        if (attributes.Count == 0)
        {
            return;
        }

        writer.WriteStartObject(part);
        for (var i = 0; i < attributes.Count; i++)
        {
            writer.WritePropertyName(attributes[i].Key);
            writer.WriteRawValue(attributes[i].Value, skipInputValidation: true);
        }

        writer.WriteEndObject();
    }

    private static void WriteEvents(Utf8JsonWriter writer, IReadOnlyList<SpanEventRecord> events)
    {
        if (events.Count == 0)
        {
            return;
        }

        writer.WriteStartArray("e");
        for (var i = 0; i < events.Count; i++)
        {
            writer.WriteStartObject();
            writer.WriteString("n", events[i].Name);
            writer.WriteNumber("t", events[i].TimeNs);
            WriteAttributes(writer, "a", events[i].Attributes);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static List<KeyValuePair<string, string>> ReadAttributes(ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        var attributes = new List<KeyValuePair<string, string>>();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            attributes.Add(new(key, Encoding.UTF8.GetString(json[start..(int)reader.BytesConsumed])));
        }

        return attributes;
    }

    private static List<SpanEventRecord> ReadEvents(ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        var events = new List<SpanEventRecord>();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            var name = string.Empty;
            var time = 0L;
            List<KeyValuePair<string, string>> attributes = [];
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var property = reader.GetString();
                reader.Read();
                switch (property)
                {
                    case "n":
                        name = reader.GetString()!;
                        break;
                    case "t":
                        time = reader.GetInt64();
                        break;
                    default:
                        attributes = ReadAttributes(ref reader, json);
                        break;
                }
            }

            events.Add(new SpanEventRecord(name, time, attributes));
        }

        return events;
    }
}
