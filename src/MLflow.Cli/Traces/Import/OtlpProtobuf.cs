using System.Globalization;
using System.Text.Json;

namespace MLflow.Cli.Traces.Import;

/// <summary>
/// An <c>ExportTraceServiceRequest</c> in OTLP's JSON as protobuf, which every server takes. Field numbers are those of opentelemetry-proto 1.7; where ours has none, they stand here.
/// </summary>
internal sealed class OtlpProtobuf
{
    /// <summary>A request ends after the span with which it gets larger; servers take 64 MiB and more.</summary>
    private const int EnoughBytes = 8 << 20;

    private const int TraceState = 3;
    private const int Kind = 6;
    private const int AnyArray = 5;
    private const int AnyMap = 6;
    private const int AnyBytes = 7;

    private readonly ProtobufWriter _writer;

    private OtlpProtobuf(ProtobufWriter writer) => _writer = writer;

    /// <returns>One request, or several where one would be large.</returns>
    /// <exception cref="FormatException">It is no such request.</exception>
    public static IReadOnlyList<byte[]> Convert(JsonElement request)
    {
        using var writer = new ProtobufWriter();
        var requests = new List<byte[]>();
        var converter = new OtlpProtobuf(writer);
        foreach (var resourceSpans in ApiJson.Items(request, "resourceSpans"))
        {
            foreach (var scopeSpans in ApiJson.Items(resourceSpans, "scopeSpans"))
            {
                using var spans = ApiJson.Items(scopeSpans, "spans").GetEnumerator();
                var isMore = spans.MoveNext();
                while (isMore)
                {
                    isMore = converter.WriteBatch(resourceSpans, scopeSpans, spans);
                    if (writer.Position > EnoughBytes)
                    {
                        requests.Add(writer.Written.ToArray());
                        writer.Clear();
                    }
                }
            }
        }

        if (writer.Position > 0)
        {
            requests.Add(writer.Written.ToArray());
        }

        return requests;
    }

    /// <returns>Whether there are more.</returns>
    private bool WriteBatch(JsonElement resourceSpans, JsonElement scopeSpans, IEnumerator<JsonElement> spans)
    {
        var batch = _writer.BeginMessage(1);
        var resource = _writer.BeginMessage(1);
        WriteAttributes(1, ApiJson.Member(resourceSpans, "resource") ?? default);
        _writer.EndMessage(resource);
        var inScope = _writer.BeginMessage(2);
        var scope = _writer.BeginMessage(1);
        var named = ApiJson.Member(scopeSpans, "scope") ?? default;
        WriteText(1, named, "name");
        WriteText(2, named, "version");
        WriteAttributes(3, named);
        _writer.EndMessage(scope);
        var isMore = true;
        while (isMore && _writer.Position <= EnoughBytes)
        {
            WriteSpan(spans.Current);
            isMore = spans.MoveNext();
        }

        _writer.EndMessage(inScope);
        _writer.EndMessage(batch);
        return isMore;
    }

    private void WriteSpan(JsonElement span)
    {
        var message = _writer.BeginMessage(2);
        _writer.WriteBytes(OtlpSpanWriter.SpanTraceId, Id(span, "traceId", 16) ?? throw new FormatException("a span has no traceId"));
        _writer.WriteBytes(OtlpSpanWriter.SpanSpanId, Id(span, "spanId", 8) ?? throw new FormatException("a span has no spanId"));
        WriteText(TraceState, span, "traceState");
        if (Id(span, "parentSpanId", 8) is { } parent)
        {
            _writer.WriteBytes(OtlpSpanWriter.SpanParentSpanId, parent);
        }

        WriteText(OtlpSpanWriter.SpanName, span, "name");
        WriteEnum(Kind, span, "kind", "SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT", "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER");
        WriteTime(OtlpSpanWriter.SpanStart, span, "startTimeUnixNano");
        WriteTime(OtlpSpanWriter.SpanEnd, span, "endTimeUnixNano");
        WriteAttributes(OtlpSpanWriter.SpanAttributes, span);
        foreach (var item in ApiJson.Items(span, "events"))
        {
            var inner = _writer.BeginMessage(OtlpSpanWriter.SpanEvents);
            WriteTime(OtlpSpanWriter.EventTime, item, "timeUnixNano");
            WriteText(OtlpSpanWriter.EventName, item, "name");
            WriteAttributes(OtlpSpanWriter.EventAttributes, item);
            _writer.EndMessage(inner);
        }

        foreach (var link in ApiJson.Items(span, "links"))
        {
            var inner = _writer.BeginMessage(OtlpSpanWriter.SpanLinks);
            _writer.WriteBytes(OtlpSpanWriter.LinkTraceId, Id(link, "traceId", 16) ?? []);
            _writer.WriteBytes(OtlpSpanWriter.LinkSpanId, Id(link, "spanId", 8) ?? []);
            WriteAttributes(OtlpSpanWriter.LinkAttributes, link);
            _writer.EndMessage(inner);
        }

        if (ApiJson.Member(span, "status") is { } status)
        {
            var inner = _writer.BeginMessage(OtlpSpanWriter.SpanStatus);
            WriteText(OtlpSpanWriter.StatusMessage, status, "message");
            WriteEnum(OtlpSpanWriter.StatusCode, status, "code", "STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR");
            _writer.EndMessage(inner);
        }

        _writer.EndMessage(message);
    }

    private void WriteAttributes(int field, JsonElement owner)
    {
        foreach (var pair in ApiJson.Items(owner, "attributes"))
        {
            WritePair(field, pair);
        }
    }

    private void WritePair(int field, JsonElement pair)
    {
        var message = _writer.BeginMessage(field);
        WriteText(OtlpSpanWriter.KeyValueKey, pair, "key");
        var value = _writer.BeginMessage(OtlpSpanWriter.KeyValueValue);
        WriteValue(ApiJson.Member(pair, "value") ?? default);
        _writer.EndMessage(value);
        _writer.EndMessage(message);
    }

    private void WriteValue(JsonElement any)
    {
        if (any.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        // In protobuf's JSON a null is a field that is not there.
        foreach (var kind in any.EnumerateObject().Where(kind => kind.Value.ValueKind != JsonValueKind.Null))
        {
            switch (kind.Name)
            {
                case "stringValue":
                    _writer.WriteString(OtlpSpanWriter.AnyString, kind.Value.GetString() ?? "");
                    return;
                case "boolValue":
                    _writer.WriteVarint(OtlpSpanWriter.AnyBool, kind.Value.GetBoolean() ? 1UL : 0);
                    return;
                case "intValue":
                    _writer.WriteVarint(OtlpSpanWriter.AnyInt, (ulong)long.Parse(ApiJson.Text(kind.Value)!, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
                    return;
                case "doubleValue":
                    _writer.WriteFixed64(OtlpSpanWriter.AnyDouble, BitConverter.DoubleToUInt64Bits(double.Parse(ApiJson.Text(kind.Value)!, CultureInfo.InvariantCulture)));
                    return;
                case "bytesValue":
                    _writer.WriteBytes(AnyBytes, kind.Value.GetBytesFromBase64());
                    return;
                case "arrayValue":
                    var array = _writer.BeginMessage(AnyArray);
                    foreach (var item in ApiJson.Items(kind.Value, "values"))
                    {
                        var value = _writer.BeginMessage(1);
                        WriteValue(item);
                        _writer.EndMessage(value);
                    }

                    _writer.EndMessage(array);
                    return;
                case "kvlistValue":
                    var map = _writer.BeginMessage(AnyMap);
                    foreach (var pair in ApiJson.Items(kind.Value, "values"))
                    {
                        WritePair(1, pair);
                    }

                    _writer.EndMessage(map);
                    return;
                default:
                    break;
            }
        }
    }

    private void WriteText(int field, JsonElement owner, string name)
    {
        if (ApiJson.Text(owner, name) is { Length: > 0 } text)
        {
            _writer.WriteString(field, text);
        }
    }

    private void WriteTime(int field, JsonElement owner, string name)
    {
        if (ApiJson.Text(owner, name) is { } text)
        {
            _writer.WriteFixed64(field, ulong.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture));
        }
    }

    /// <summary>OTLP's JSON has numbers; protobuf's own, which some write, names.</summary>
    private void WriteEnum(int field, JsonElement owner, string name, params ReadOnlySpan<string> names)
    {
        if (ApiJson.Text(owner, name) is not { } text)
        {
            return;
        }

        var number = uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var given) ? (int)given : names.IndexOf(text);
        _writer.WriteVarint(field, number >= 0 ? (ulong)number : throw new FormatException($"{name} is '{text}'"));
    }

    private static byte[]? Id(JsonElement owner, string name, int bytes)
    {
        if (ApiJson.Text(owner, name) is not { Length: > 0 } text)
        {
            return null;
        }

        return text.Length == 2 * bytes && text.All(char.IsAsciiHexDigit)
            ? System.Convert.FromHexString(text)
            : throw new FormatException($"{name} is '{text}', not {2 * bytes} hex digits");
    }
}
