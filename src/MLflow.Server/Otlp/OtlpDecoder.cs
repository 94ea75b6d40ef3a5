using Google.Protobuf;
using MLflow.Server.Otlp.Protos;
using MLflow.Server.Traces;

namespace MLflow.Server.Otlp;

/// <summary>Turns an OTLP request into spans as they are stored, and takes out the facts of traces that our own client puts among them.</summary>
internal static class OtlpDecoder
{
    /// <summary>Bytes of ids, https://opentelemetry.io/docs/specs/otel/trace/api/#spancontext</summary>
    private const int TraceIdBytes = 16;
    private const int SpanIdBytes = 8;

    /// <exception cref="OtlpException">The bytes are not such a message, or a span has no id.</exception>
    public static OtlpTraces Decode(Stream protobuf)
    {
        ExportTraceServiceRequest request;
        try
        {
            using var input = CodedInputStream.CreateWithLimits(protobuf, int.MaxValue, OtlpLimits.MaxNesting);
            request = ExportTraceServiceRequest.Parser.ParseFrom(input);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new OtlpException(StatusCodes.Status400BadRequest, "Invalid OpenTelemetry format", e);
        }

        if (request.ResourceSpans.Count == 0)
        {
            throw new OtlpException(StatusCodes.Status400BadRequest, "Invalid OpenTelemetry format - no spans found");
        }

        var spans = new List<SpanRecord>();
        var facts = new List<string>();
        foreach (var resourceSpans in request.ResourceSpans)
        {
            IReadOnlyList<KeyValuePair<string, string>> resource = resourceSpans.Resource is { } r ? AnyValueJson.Attributes(r.Attributes) : [];
            foreach (var scopeSpans in resourceSpans.ScopeSpans)
            {
                foreach (var span in scopeSpans.Spans)
                {
                    TakeFacts(span, facts);
                    spans.Add(Convert(span, resource, scopeSpans.Scope));
                }
            }
        }

        return spans.Count <= OtlpLimits.MaxSpans
            ? new OtlpTraces(spans, facts)
            : throw new OtlpException(StatusCodes.Status413PayloadTooLarge, $"The request has {spans.Count} spans; at most {OtlpLimits.MaxSpans} are taken at once. Send smaller batches.");
    }

    private static void TakeFacts(Span span, List<string> facts)
    {
        // Our own client appends it.
        for (var i = span.Attributes.Count - 1; i >= 0; i--)
        {
            if (span.Attributes[i].Key == TraceFactsFeature.Attribute)
            {
                facts.Add(span.Attributes[i].Value?.StringValue ?? "");
                span.Attributes.RemoveAt(i);
            }
        }
    }

    private static SpanRecord Convert(Span span, IReadOnlyList<KeyValuePair<string, string>> resource, InstrumentationScope? scope)
    {
        if (!IsId(span.TraceId, TraceIdBytes) || !IsId(span.SpanId, SpanIdBytes))
        {
            throw new OtlpException(
                StatusCodes.Status422UnprocessableEntity,
                $"Cannot convert OpenTelemetry span to MLflow span: span '{span.Name}' needs a trace_id of {TraceIdBytes} bytes and a span_id of {SpanIdBytes} bytes, not all zero.");
        }

        var attributes = AnyValueJson.Attributes(span.Attributes);
        var otelTraceId = System.Convert.ToHexStringLower(span.TraceId.Span);
        return new SpanRecord
        {
            TraceId = TraceId(attributes, otelTraceId),
            OtelTraceId = otelTraceId,
            SpanId = System.Convert.ToHexStringLower(span.SpanId.Span),
            ParentSpanId = IsId(span.ParentSpanId, SpanIdBytes) ? System.Convert.ToHexStringLower(span.ParentSpanId.Span) : null,
            Name = span.Name,
            Type = Find(attributes, AttributeNames.SpanType) is { Length: > 0 } type ? type : SpanType.Unknown,
            Status = span.Status?.Code switch
            {
                Status.Types.StatusCode.Ok => SpanStatus.Ok,
                Status.Types.StatusCode.Error => SpanStatus.Error,
                _ => SpanStatus.Unset,
            },
            StatusMessage = span.Status?.Message is { Length: > 0 } message ? message : null,
            StartNs = (long)span.StartTimeUnixNano,
            EndNs = span.EndTimeUnixNano == 0 ? null : (long)span.EndTimeUnixNano,
            Attributes = attributes,
            Events = Events(span),
            Resource = resource,
            ScopeName = scope?.Name is { Length: > 0 } name ? name : null,
            ScopeVersion = scope?.Version is { Length: > 0 } version ? version : null,
        };
    }

    private static SpanEventRecord[] Events(Span span)
    {
        if (span.Events.Count == 0)
        {
            return [];
        }

        var events = new SpanEventRecord[span.Events.Count];
        for (var i = 0; i < events.Length; i++)
        {
            var @event = span.Events[i];
            events[i] = new SpanEventRecord(@event.Name, (long)@event.TimeUnixNano, AnyValueJson.EventAttributes(@event.Attributes));
        }

        return events;
    }

    // A client may choose the id of its trace; all spans of the trace then carry it.
    private static string TraceId(List<KeyValuePair<string, string>> attributes, string otelTraceId)
    {
        if (Find(attributes, AttributeNames.TraceRequestId) is not { Length: > 0 } traceId)
        {
            return "tr-" + otelTraceId;
        }

        return traceId.Length <= OtlpLimits.MaxTraceIdLength
            ? traceId
            : throw new OtlpException(
                StatusCodes.Status422UnprocessableEntity,
                $"Cannot convert OpenTelemetry span to MLflow span: attribute '{AttributeNames.TraceRequestId}' has {traceId.Length} characters; at most {OtlpLimits.MaxTraceIdLength} are allowed.");
    }

    private static string? Find(List<KeyValuePair<string, string>> attributes, string key)
    {
        foreach (var attribute in attributes)
        {
            if (attribute.Key == key)
            {
                return StoredJson.String(attribute.Value);
            }
        }

        return null;
    }

    private static bool IsId(ByteString id, int length) => id.Length == length && id.Span.ContainsAnyExcept((byte)0);
}
