using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using MLflow.Server.Blobs;
using MLflow.Server.Conventions;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sql;

/// <summary>
/// What of a span is read only when its trace is opened, as a JSON object:
/// <c>{"a":{attributes as sent},"m":{mapped attributes},"o":[status, message, both as sent],"e":[{"n":name,"t":ns,"a":{…}}],"r":{resource},
/// "s":[scope name, scope version],"c":{scope attributes},"u":schema,"k":kind,"w":tracestate,"l":[{"t":trace,"s":span,"a":{…}}]}</c>, empty parts left out.
/// Log records are not in it: they are rows of their own.
/// </summary>
internal static class SpanPayload
{
    /// <summary>Bytes of a buffer that is not kept for the next trace.</summary>
    private const int MaxKeptBuffer = 4 * 1024 * 1024;

    private static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    // Attribute values are JSON of any depth that the decoder let in.
    public static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = 1024 };

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _buffer;

    /// <summary>The payloads of spans of one trace that are written together.</summary>
    /// <param name="spans">The spans.</param>
    /// <param name="largeFrom">Bytes from which a payload may be moved to the blob store (<see cref="SpanBlobs"/>), and therefore shares nothing with others.</param>
    public static (int Codec, byte[] Payload)[] Encode(IReadOnlyList<SpanRecord> spans, int largeFrom = int.MaxValue)
    {
        var buffer = _buffer ??= new ArrayBufferWriter<byte>(4096);
        buffer.ResetWrittenCount();
        var payloads = new (int Codec, byte[] Payload)[spans.Count];
        var frame = new PayloadFrame();
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            for (var i = 0; i < spans.Count; i++)
            {
                var start = buffer.WrittenCount;
                WriteJson(writer, spans[i]);

                // What is stored of a span that runs may be newer, and stay.
                var json = buffer.WrittenSpan[start..];
                if (spans[i].EndNs is null || json.Length > PayloadFrame.FrameBytes)
                {
                    payloads[i] = PayloadFrame.Alone(json);
                }
                else if (json.Length >= largeFrom && PayloadFrame.Alone(json) is var alone && alone.Payload.Length >= largeFrom)
                {
                    payloads[i] = alone;
                }
                else
                {
                    frame.Add(i, spans[i].SpanId, start..buffer.WrittenCount);
                }

                if (buffer.WrittenCount > PayloadFrame.FrameBytes)
                {
                    frame.Close(buffer.WrittenSpan, payloads);
                    buffer.ResetWrittenCount();
                }
            }
        }

        frame.Close(buffer.WrittenSpan, payloads);
        if (buffer.Capacity > MaxKeptBuffer)
        {
            _buffer = null;
        }

        return payloads;
    }

    private static void WriteJson(Utf8JsonWriter writer, SpanRecord span)
    {
        var sent = span.Sent ?? span;
        writer.WriteStartObject();
        WriteAttributes(writer, "a", sent.Attributes);
        WriteAttributes(writer, "m", span.Mapped);
        if (sent.Status != span.Status || sent.StatusMessage != span.StatusMessage)
        {
            writer.WriteStartArray("o");
            writer.WriteNumberValue((int)sent.Status);
            writer.WriteStringValue(sent.StatusMessage);
            writer.WriteEndArray();
        }

        WriteEvents(writer, sent.Events);
        WriteAttributes(writer, "r", span.Resource);
        if (span.ScopeName is not null || span.ScopeVersion is not null)
        {
            writer.WriteStartArray("s");
            writer.WriteStringValue(span.ScopeName);
            writer.WriteStringValue(span.ScopeVersion);
            writer.WriteEndArray();
        }

        WriteAttributes(writer, "c", span.ScopeAttributes);
        WriteText(writer, "u", span.SchemaUrl);
        WriteText(writer, "k", span.Kind);
        WriteText(writer, "w", span.TraceState);
        WriteLinks(writer, span.Links);
        writer.WriteEndObject();
        writer.Flush();
        writer.Reset();
    }

    /// <summary>Fills a span that was read from its columns.</summary>
    /// <param name="span">What stands in columns.</param>
    /// <param name="codec">How the payload is written.</param>
    /// <param name="payload">The payload.</param>
    /// <param name="owner">The payload that <see cref="PayloadFrame.OwnerOf"/> asks for; else null.</param>
    /// <param name="blobs">Reads what lies elsewhere; without it, that counts as lost.</param>
    /// <param name="withMedia">Whether media that lie elsewhere are needed.</param>
    public static SpanRecord Decode(SpanRecord span, int codec, byte[] payload, byte[]? owner, Func<string, BlobContent>? blobs = null, bool withMedia = true)
    {
        if (codec != PayloadFrame.InBlobs)
        {
            return Fill(span, PayloadFrame.Json(codec, payload, owner));
        }

        var read = blobs ?? SpanBlobs.None.Read;
        var json = PayloadManifest.Restore(payload, withMedia ? read : null, read, out var isWhole);
        return Fill(span with { IsIncomplete = !isWhole }, json);
    }

    private static SpanRecord Fill(SpanRecord span, ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, ReaderOptions);
        List<KeyValuePair<string, string>> mapped = [];
        var (status, message) = (span.Status, span.StatusMessage);
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
                case "m":
                    mapped = ReadAttributes(ref reader, json);
                    break;
                case "o":
                    reader.Read();
                    status = (SpanStatus)reader.GetInt32();
                    reader.Read();
                    message = reader.GetString();
                    reader.Read();
                    break;
                case "c":
                    span = span with { ScopeAttributes = ReadAttributes(ref reader, json) };
                    break;
                case "u":
                    span = span with { SchemaUrl = reader.GetString() };
                    break;
                case "k":
                    span = span with { Kind = reader.GetString() };
                    break;
                case "w":
                    span = span with { TraceState = reader.GetString() };
                    break;
                case "l":
                    span = span with { Links = ReadLinks(ref reader, json) };
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

        if (mapped.Count == 0 && status == span.Status && message == span.StatusMessage)
        {
            return span;
        }

        var type = span.Attributes.FirstOrDefault(attribute => attribute.Key == AttributeNames.SpanType).Value;
        return span with
        {
            Attributes = ConventionMapper.Join(span.Attributes, mapped),
            Mapped = mapped,
            Sent = span with { Type = StoredJson.String(type) is { Length: > 0 } sent ? sent : SpanType.Unknown, Status = status, StatusMessage = message },
        };
    }

    /// <summary>Attributes as a JSON object of their own.</summary>
    public static string WriteObject(IReadOnlyList<KeyValuePair<string, string>> attributes)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            writer.WriteStartObject();
            foreach (var (key, value) in attributes)
            {
                writer.WritePropertyName(key);
                writer.WriteRawValue(value, skipInputValidation: true);
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>Reads what <see cref="WriteObject"/> wrote.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> ReadObject(string text)
    {
        var json = Encoding.UTF8.GetBytes(text);
        var reader = new Utf8JsonReader(json, ReaderOptions);
        reader.Read();
        return ReadAttributes(ref reader, json);
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

    private static void WriteText(Utf8JsonWriter writer, string part, string? text)
    {
        if (text is not null)
        {
            writer.WriteString(part, text);
        }
    }

    private static void WriteLinks(Utf8JsonWriter writer, IReadOnlyList<SpanLinkRecord> links)
    {
        if (links.Count == 0)
        {
            return;
        }

        writer.WriteStartArray("l");
        for (var i = 0; i < links.Count; i++)
        {
            writer.WriteStartObject();
            writer.WriteString("t", links[i].OtelTraceId);
            writer.WriteString("s", links[i].SpanId);
            WriteAttributes(writer, "a", links[i].Attributes);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static List<SpanLinkRecord> ReadLinks(ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        var links = new List<SpanLinkRecord>();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            string traceId = "", spanId = "";
            List<KeyValuePair<string, string>> attributes = [];
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var property = reader.GetString();
                reader.Read();
                switch (property)
                {
                    case "t":
                        traceId = reader.GetString()!;
                        break;
                    case "s":
                        spanId = reader.GetString()!;
                        break;
                    default:
                        attributes = ReadAttributes(ref reader, json);
                        break;
                }
            }

            links.Add(new SpanLinkRecord(traceId, spanId, attributes));
        }

        return links;
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
