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

    /// <param name="request">What came.</param>
    /// <param name="limits">How much a span may have.</param>
    /// <param name="experimentId">The experiment that the request names; null where it names none.</param>
    /// <exception cref="OtlpException">There is nothing in the request, too much, or nothing that can be stored.</exception>
    public static OtlpTraces Decode(ExportTraceServiceRequest request, MlflowServerLimits limits, string? experimentId = null)
    {
        if (request.ResourceSpans.Count == 0)
        {
            throw new OtlpException(StatusCodes.Status400BadRequest, "Invalid OpenTelemetry format - no spans found");
        }

        var count = request.ResourceSpans.Sum(resource => resource.ScopeSpans.Sum(scope => (long)scope.Spans.Count));
        if (count > limits.MaxSpansPerRequest)
        {
            throw new OtlpException(StatusCodes.Status413PayloadTooLarge, $"The request has {count} spans; at most {limits.MaxSpansPerRequest} are taken at once (--max-spans-per-request). Send smaller batches.");
        }

        var spans = new List<SpanRecord>((int)count);
        var facts = new List<string>();
        var rejected = new OtlpRejections();
        var calls = 0;
        foreach (var resourceSpans in request.ResourceSpans)
        {
            if (resourceSpans.Resource?.Attributes.Count > limits.MaxAttributesPerSpan)
            {
                throw new OtlpException(StatusCodes.Status413PayloadTooLarge, $"A resource has {resourceSpans.Resource.Attributes.Count} attributes; at most {limits.MaxAttributesPerSpan} are taken (--max-attributes-per-span).");
            }

            IReadOnlyList<KeyValuePair<string, string>> resource = resourceSpans.Resource is { } r ? AnyValueJson.Attributes(r.Attributes) : [];
            foreach (var scopeSpans in resourceSpans.ScopeSpans)
            {
                IReadOnlyList<KeyValuePair<string, string>> scope = scopeSpans.Scope is { } s ? AnyValueJson.Attributes(s.Attributes) : [];
                var schemaUrl = Text(scopeSpans.SchemaUrl) ?? Text(resourceSpans.SchemaUrl);
                foreach (var sent in scopeSpans.Spans)
                {
                    var span = sent;
                    TakeFacts(span, facts);
                    var fault = Fault(span);
                    if (fault is null && OtlpCalls.Find(span) is { } call)
                    {
                        (span, var factsOfCall) = OtlpCalls.Record(span, call, experimentId);
                        facts.Add(factsOfCall);
                        calls++;
                    }

                    fault ??= Excess(span, limits);
                    if (fault is not null)
                    {
                        rejected.Add(fault);
                        continue;
                    }

                    spans.Add(Convert(span) with
                    {
                        Resource = resource,
                        ScopeName = Text(scopeSpans.Scope?.Name),
                        ScopeVersion = Text(scopeSpans.Scope?.Version),
                        ScopeAttributes = scope,
                        SchemaUrl = schemaUrl,
                    });
                }
            }
        }

        return spans.Count > 0 || facts.Count > 0 || rejected.Count == 0
            ? new OtlpTraces(spans, facts, rejected) { RecordedCalls = calls }
            : throw new OtlpException(StatusCodes.Status422UnprocessableEntity, $"Cannot convert OpenTelemetry span to MLflow span: {rejected.Message}");
    }

    public static string? TraceId(ByteString id) => IsId(id, TraceIdBytes) ? System.Convert.ToHexStringLower(id.Span) : null;

    public static string? SpanId(ByteString id) => IsId(id, SpanIdBytes) ? System.Convert.ToHexStringLower(id.Span) : null;

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

    private static long? TakeLease(Span span)
    {
        long? lease = null;
        for (var i = span.Attributes.Count - 1; i >= 0; i--)
        {
            if (span.Attributes[i].Key == AttributeNames.Lease)
            {
                lease = span.Attributes[i].Value?.IntValue is { } told and > 0 and <= OtlpLimits.MaxLeaseMs ? told : OtlpLimits.DefaultLeaseMs;
                span.Attributes.RemoveAt(i);
            }
        }

        return lease;
    }

    /// <summary>Why a span cannot be stored; null where it can.</summary>
    private static string? Fault(Span span)
    {
        var name = TracePreview.Cut(span.Name, 60);
        if (!IsId(span.TraceId, TraceIdBytes) || !IsId(span.SpanId, SpanIdBytes))
        {
            return $"span '{name}' needs a trace_id of {TraceIdBytes} bytes and a span_id of {SpanIdBytes} bytes, not all zero.";
        }

        if (span.StartTimeUnixNano > long.MaxValue || span.EndTimeUnixNano > long.MaxValue)
        {
            return $"span '{name}' has a time beyond {long.MaxValue} nanoseconds after 1970.";
        }

        var traceId = span.Attributes.LastOrDefault(attribute => attribute.Key == AttributeNames.TraceRequestId)?.Value?.StringValue;
        return traceId?.Length > OtlpLimits.MaxTraceIdLength
            ? $"span '{name}': attribute '{AttributeNames.TraceRequestId}' has {traceId.Length} characters; at most {OtlpLimits.MaxTraceIdLength} are allowed."
            : null;
    }

    /// <summary>What a span has too much of; null where it has not.</summary>
    private static string? Excess(Span span, MlflowServerLimits limits)
    {
        var attributes = Math.Max(
            span.Attributes.Count,
            Math.Max(span.Events.Select(e => e.Attributes.Count).DefaultIfEmpty().Max(), span.Links.Select(link => link.Attributes.Count).DefaultIfEmpty().Max()));
        var events = Math.Max(span.Events.Count, span.Links.Count);
        var name = TracePreview.Cut(span.Name, 60);
        return attributes > limits.MaxAttributesPerSpan ? $"span '{name}' has {attributes} attributes; at most {limits.MaxAttributesPerSpan} are taken (--max-attributes-per-span)."
            : events > limits.MaxEventsPerSpan ? $"span '{name}' has {events} events or links; at most {limits.MaxEventsPerSpan} are taken (--max-events-per-span)."
            : null;
    }

    private static SpanRecord Convert(Span span)
    {
        var lease = span.EndTimeUnixNano == 0 ? TakeLease(span) : null;
        var attributes = AnyValueJson.Attributes(span.Attributes);
        var otelTraceId = System.Convert.ToHexStringLower(span.TraceId.Span);
        return new SpanRecord
        {
            // A client may choose the id of its trace; all spans of the trace then carry it.
            TraceId = Find(attributes, AttributeNames.TraceRequestId) is { Length: > 0 } traceId ? traceId : "tr-" + otelTraceId,
            OtelTraceId = otelTraceId,
            SpanId = System.Convert.ToHexStringLower(span.SpanId.Span),
            ParentSpanId = SpanId(span.ParentSpanId),
            Name = span.Name,
            Type = Find(attributes, AttributeNames.SpanType) is { Length: > 0 } type ? type : SpanType.Unknown,
            Status = span.Status?.Code switch
            {
                Status.Types.StatusCode.Ok => SpanStatus.Ok,
                Status.Types.StatusCode.Error => SpanStatus.Error,
                _ => SpanStatus.Unset,
            },
            StatusMessage = Text(span.Status?.Message),
            StartNs = (long)span.StartTimeUnixNano,
            EndNs = span.EndTimeUnixNano == 0 ? null : (long)span.EndTimeUnixNano,
            Attributes = attributes,
            Events = [.. span.Events.Select(e => new SpanEventRecord(e.Name, (long)e.TimeUnixNano, AnyValueJson.EventAttributes(e.Attributes)))],
            Kind = span.Kind switch
            {
                Span.Types.SpanKind.Internal => "INTERNAL",
                Span.Types.SpanKind.Server => "SERVER",
                Span.Types.SpanKind.Client => "CLIENT",
                Span.Types.SpanKind.Producer => "PRODUCER",
                Span.Types.SpanKind.Consumer => "CONSUMER",
                _ => null,
            },
            TraceState = Text(span.TraceState),
            LeaseMs = lease,
            Links = [.. span.Links
                .Where(link => IsId(link.TraceId, TraceIdBytes) && IsId(link.SpanId, SpanIdBytes))
                .Select(link => new SpanLinkRecord(TraceId(link.TraceId)!, SpanId(link.SpanId)!, AnyValueJson.Attributes(link.Attributes)))],
        };
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

    private static string? Text(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static bool IsId(ByteString id, int length) => id.Length == length && id.Span.ContainsAnyExcept((byte)0);
}
