using System.Diagnostics;

namespace MLflow;

/// <summary>Records a call that was handed over as it was: in the server, and here where the server turns out to be another. A pure function but for what takes its result.</summary>
internal static class PlainCallRecorder
{
    private static readonly TraceDestination Nowhere = CollectedTraces.Nowhere;
    private static readonly Tracer Clockless = new(() => throw new InvalidOperationException("No trace begins here."), TimeProvider.System);

    /// <param name="span">The encoded span, as <see cref="PlainCallFormat.Write(ProtobufWriter, LiveSpan, PlainCall)"/> made it.</param>
    /// <param name="privacy">What is taken out when the result is encoded.</param>
    /// <exception cref="InvalidDataException">It is no such span.</exception>
    public static TraceExport Record(ReadOnlySpan<byte> span, PrivacyFilter privacy)
    {
        var reader = new ProtobufReader(span);
        ActivityTraceId traceId = default;
        ActivitySpanId spanId = default;
        ReadOnlySpan<byte> message = default;
        long start = 0, end = 0;
        while (reader.Read())
        {
            switch (reader.Field)
            {
                case OtlpSpanWriter.SpanTraceId:
                    traceId = ActivityTraceId.CreateFromBytes(reader.Bytes);
                    break;
                case OtlpSpanWriter.SpanSpanId:
                    spanId = ActivitySpanId.CreateFromBytes(reader.Bytes);
                    break;
                case OtlpSpanWriter.SpanStart:
                    start = (long)reader.Number;
                    break;
                case OtlpSpanWriter.SpanEnd:
                    end = (long)reader.Number;
                    break;
                case OtlpSpanWriter.SpanAttributes:
                    message = Value(reader.Bytes);
                    break;
                default:
                    break;
            }
        }

        return Record(traceId, spanId, start, end, message, privacy);
    }

    /// <param name="traceId">Id of the trace.</param>
    /// <param name="spanId">Id of the span.</param>
    /// <param name="startNs">Start of the call, in nanoseconds since the Unix epoch.</param>
    /// <param name="endNs">Its end.</param>
    /// <param name="message">The value of <see cref="PlainCallFeature.Attribute"/>.</param>
    /// <param name="privacy">What is taken out when the result is encoded.</param>
    /// <exception cref="InvalidDataException">The message is none.</exception>
    public static TraceExport Record(ActivityTraceId traceId, ActivitySpanId spanId, long startNs, long endNs, ReadOnlySpan<byte> message, PrivacyFilter privacy)
    {
        var call = PlainCallFormat.Read(message);
        var ended = new EndedTrace();
        var outlet = new TraceOutlet(Clockless, ended, static () => Nowhere) { Privacy = privacy, OfProcess = call.OfProcess.ToArray() };
        var operation = call.Facts.Operation;
        var span = ActiveTrace.Again(outlet, Nowhere, traceId, spanId, operation.SpanName, operation.SpanType, startNs);
        CallRecorder.Record(call, span);
        span.EndAt(endNs, inBackground: true);
        return ended.Export!;
    }

    private static ReadOnlySpan<byte> Value(ReadOnlySpan<byte> pair)
    {
        var reader = new ProtobufReader(pair);
        while (reader.Read())
        {
            if (reader.Field == OtlpSpanWriter.KeyValueValue)
            {
                var value = new ProtobufReader(reader.Bytes);
                return value.Read() ? value.Bytes : default;
            }
        }

        return default;
    }

    /// <summary>Takes the one export of the trace.</summary>
    private sealed class EndedTrace : ITraceExporter
    {
        public TraceExport? Export { get; private set; }

        public void Enqueue(TraceExport export, bool inBackground) => Export = export;

        public bool ShowsRunning(TraceDestination destination) => false;
    }
}
