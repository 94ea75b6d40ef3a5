using System.Buffers;
using System.Diagnostics;
using System.Text;
using Google.Protobuf;
using MLflow.Server.Otlp.Protos;

namespace MLflow.Server.Otlp;

/// <summary>Records calls of models that our own client sends as they were (<see cref="PlainCallFeature"/>), by the client's own code.</summary>
internal static class OtlpCalls
{
    /// <summary>The call that a span carries; null for every other span.</summary>
    public static ByteString? Find(Span span)
    {
        foreach (var attribute in span.Attributes)
        {
            if (attribute.Key == PlainCallFeature.Attribute)
            {
                return attribute.Value is { ValueCase: AnyValue.ValueOneofCase.BytesValue } value ? value.BytesValue : ByteString.Empty;
            }
        }

        return null;
    }

    /// <summary>Records a call.</summary>
    /// <param name="span">The span as it came, with valid ids and times.</param>
    /// <param name="call">What <see cref="Find"/> found.</param>
    /// <param name="experimentId">The experiment that the request names.</param>
    /// <returns>The span as the client would have sent it, and the facts of its trace.</returns>
    /// <exception cref="OtlpException">It is no call that can be recorded.</exception>
    public static (Span Span, string Facts) Record(Span span, ByteString call, string? experimentId)
    {
        if (experimentId is null)
        {
            throw Wrong($"the request does not name its experiment in {OtlpSender.ExperimentIdHeader}");
        }

        try
        {
            var export = PlainCallRecorder.Record(
                ActivityTraceId.CreateFromBytes(span.TraceId.Span), ActivitySpanId.CreateFromBytes(span.SpanId.Span), (long)span.StartTimeUnixNano, (long)span.EndTimeUnixNano, call.Span, PrivacyFilter.Default);
            using var encoder = new ExportEncoder();
            return Encode(encoder, export, experimentId);
        }
        catch (InvalidDataException e)
        {
            throw Wrong(e.Message.TrimEnd('.'));
        }

        OtlpException Wrong(string why) => new(
            StatusCodes.Status400BadRequest, $"Attribute '{PlainCallFeature.Attribute}' of span '{TracePreview.Cut(span.Name, 60)}' is no call that this server can record: {why}. Send the span without it.");
    }

    /// <summary>A trace of one span as our own client would send it.</summary>
    /// <param name="encoder">To be used again.</param>
    /// <param name="export">The span.</param>
    /// <param name="experimentId">Where it belongs.</param>
    /// <returns>The span, and the facts of its trace; those are empty where they are told elsewhere.</returns>
    public static (Span Span, string Facts) Encode(ExportEncoder encoder, TraceExport export, string experimentId)
    {
        var (spanBytes, experiment) = encoder.Write(export, withPreviews: false);
        var written = encoder.Written.Span;
        var span = Span.Parser.ParseFrom(written[EncodedExport.LengthBytes..spanBytes]);
        if (written.Length == spanBytes)
        {
            return (span, "");
        }

        var facts = new ArrayBufferWriter<byte>(2048);
        new EncodedFacts(written[spanBytes..], experiment).WriteTo(facts, experimentId);
        return (span, Encoding.UTF8.GetString(facts.WrittenSpan));
    }
}
