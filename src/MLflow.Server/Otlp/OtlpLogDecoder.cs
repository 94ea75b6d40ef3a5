using MLflow.Server.Otlp.Protos;
using MLflow.Server.Traces;

namespace MLflow.Server.Otlp;

/// <summary>
/// Takes out of logs what belongs to spans: exceptions, and what a model was asked and answered, which OpenTelemetry's conventions 1.28 to 1.36 write as
/// one log record for each message. A program's other logs are for a store of logs.
/// </summary>
internal static class OtlpLogDecoder
{
    private const string EventName = "event.name";
    private const string GenAiPrefix = "gen_ai.";

    /// <exception cref="OtlpException">There is too much in the request.</exception>
    public static List<SpanLogRecord> Decode(ExportLogsServiceRequest request, MlflowServerLimits limits, out OtlpRejections rejected)
    {
        var count = request.ResourceLogs.Sum(resource => resource.ScopeLogs.Sum(scope => (long)scope.LogRecords.Count));
        if (count > limits.MaxSpansPerRequest)
        {
            throw new OtlpException(StatusCodes.Status413PayloadTooLarge, $"The request has {count} log records; at most {limits.MaxSpansPerRequest} are taken at once (--max-spans-per-request). Send smaller batches.");
        }

        var logs = new List<SpanLogRecord>();
        rejected = new OtlpRejections();
        foreach (var record in request.ResourceLogs.SelectMany(resource => resource.ScopeLogs).SelectMany(scope => scope.LogRecords))
        {
            if (OtlpDecoder.TraceId(record.TraceId) is not { } traceId || OtlpDecoder.SpanId(record.SpanId) is not { } spanId)
            {
                rejected.Add("Log records without a trace id and a span id are not kept.");
            }
            else if (record.TimeUnixNano > long.MaxValue || record.ObservedTimeUnixNano > long.MaxValue)
            {
                rejected.Add($"A log record has a time beyond {long.MaxValue} nanoseconds after 1970.");
            }
            else if (EventOf(record) is { } @event)
            {
                logs.Add(new SpanLogRecord(traceId, spanId, @event));
            }
            else
            {
                rejected.Add($"Only log records with an exception, or whose event name begins with '{GenAiPrefix}', are kept.");
            }
        }

        return logs;
    }

    private static SpanEventRecord? EventOf(LogRecord record)
    {
        var name = record.EventName.Length > 0 ? record.EventName : Text(record, EventName);
        var isException = Text(record, AttributeNames.ExceptionType) is not null || Text(record, AttributeNames.ExceptionMessage) is not null;
        if (!isException && name?.StartsWith(GenAiPrefix, StringComparison.Ordinal) != true)
        {
            return null;
        }

        var attributes = AnyValueJson.EventAttributes(record.Attributes);
        if (record.EventName.Length > 0)
        {
            attributes.Add(new(EventName, StoredJson.Quote(record.EventName)));
        }

        if (record.Body is { ValueCase: not AnyValue.ValueOneofCase.None } body)
        {
            attributes.Add(new(SpanEventRecord.Body, AnyValueJson.Text(body)));
        }

        var time = record.TimeUnixNano != 0 ? record.TimeUnixNano : record.ObservedTimeUnixNano;
        return new SpanEventRecord(isException ? AttributeNames.ExceptionEvent : name!, (long)time, attributes);
    }

    private static string? Text(LogRecord record, string key) =>
        record.Attributes.FirstOrDefault(attribute => attribute.Key == key)?.Value is { ValueCase: AnyValue.ValueOneofCase.StringValue } value ? value.StringValue : null;
}
