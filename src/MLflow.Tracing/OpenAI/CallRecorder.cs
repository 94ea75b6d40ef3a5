using System.Globalization;

namespace MLflow;

/// <summary>Makes the span of a finished call from what was captured of it. Runs in the background.</summary>
internal static class CallRecorder
{
    /// <summary>Chunks that become events take at most this many bytes of a stream; the rest is merged and counted.</summary>
    public const int MaxChunkEventBytes = 1 << 20;

    public static void Record(LlmCall call, OpenAIAutologOptions options)
    {
        var span = call.Span;
        var attempt = call.Last;
        var fields = new RecordedFields();
        var notes = new List<string>();
        if (call.Note is not null)
        {
            notes.Add(call.Note);
        }

        RecordRequest(call, fields, notes);
        ApiError? error;
        using (var body = TakeResponse(attempt, options, notes))
        {
            error = RecordResponse(call, body, options, fields);
        }

        foreach (var (key, value) in fields.Attributes)
        {
            span.SetAttribute(key, value);
        }

        span.Rename(call.Attempts.Any(a => a.IsAsync == true) ? call.Family.AsyncSpanName : call.Family.SpanName);
        Set(span, AttributeNames.Inputs, fields.Inputs);
        Set(span, AttributeNames.Outputs, fields.Outputs);
        SetText(span, AttributeNames.Model, fields.RequestModel ?? fields.ResponseModel);
        SetText(span, AttributeNames.FinishReason, fields.FinishReason);
        SetText(span, AttributeNames.RequestId, attempt.RequestId);
        if (attempt.Status != 0)
        {
            span.SetAttribute(AttributeNames.HttpStatus, AttributeValue.FromInt64(attempt.Status));
        }

        if (fields.Usage is { } usage)
        {
            span.SetUsage(usage);
        }

        AddAttempts(call);
        AddStream(span, attempt, fields);
        CallError.Record(span, attempt, fields, error);
        if (notes.Count > 0)
        {
            span.SetAttribute(AttributeNames.CaptureNote, AttributeValue.FromString(string.Join(' ', notes)));
        }

        span.EndAt(span.Trace.ToUnixNs(EndTimestamp(attempt)));
    }

    /// <summary>The last byte ended the call; how long the program then took to notice or to close the stream is not the call's time.</summary>
    private static long EndTimestamp(LlmAttempt attempt) =>
        attempt.ResponseBody.LastByteTimestamp is > 0 and var last && attempt.Succeeded && attempt.End is not (BodyEnd.Canceled or BodyEnd.Faulted)
            ? last
            : attempt.EndTimestamp;

    private static void RecordRequest(LlmCall call, RecordedFields fields, List<string> notes)
    {
        // The last try may have failed before its body was sent; the bodies are equal.
        var source = call.Attempts.LastOrDefault(a => a.RequestBody.Length > 0);
        if (source is not null)
        {
            if (source.RequestBody.IsCut)
            {
                notes.Add(Cut("request", source.RequestBody));
            }

            using var body = source.RequestBody.Take();
            call.Family.Recorder.RecordRequest(body.Bytes, fields);
        }

        foreach (var attempt in call.Attempts)
        {
            attempt.RequestBody.Discard();
        }
    }

    private static CapturedBody TakeResponse(LlmAttempt attempt, OpenAIAutologOptions options, List<string> notes)
    {
        if (attempt.ResponseBody.IsCut)
        {
            notes.Add(Cut("response", attempt.ResponseBody));
        }

        var body = attempt.ResponseBody.Take();
        if (attempt.ContentEncoding is null or "" or "identity" || body.Bytes.IsEmpty)
        {
            return body;
        }

        using (body)
        {
            var decoded = ContentDecoder.Decode(body, attempt.ContentEncoding, options.MaxCaptureBytes, out var note);
            if (note is not null && !(attempt.ResponseBody.IsCut || attempt.End is BodyEnd.Disposed or BodyEnd.Finalized))
            {
                notes.Add(note);
            }

            return decoded ?? CapturedBody.Empty;
        }
    }

    /// <returns>The error that the body reports.</returns>
    private static ApiError? RecordResponse(LlmCall call, CapturedBody body, OpenAIAutologOptions options, RecordedFields fields)
    {
        var attempt = call.Last;
        if (body.Bytes.IsEmpty)
        {
            return null;
        }

        if (!attempt.Succeeded)
        {
            return ApiErrorReader.ReadBody(body.Bytes) ?? new ApiError(Text(body.Bytes), null, null);
        }

        if (attempt.IsEventStream || LooksLikeEvents(body.Bytes))
        {
            foreach (ref var mark in body.Marks)
            {
                mark = mark with { Time = call.Span.Trace.ToUnixNs(mark.Time) };
            }

            var limits = new StreamLimits(options.MaxChunkEvents, MaxChunkEventBytes);
            call.Family.Recorder.RecordStream(body.Bytes, body.Marks, limits, fields);
            attempt.SetIsEventStream();
        }
        else
        {
            call.Family.Recorder.RecordResponse(body.Bytes, fields);
        }

        return fields.Error;
    }

    /// <summary>Some compatible servers stream under another content type.</summary>
    private static bool LooksLikeEvents(ReadOnlySpan<byte> body) =>
        body.StartsWith("data:"u8) || body.StartsWith("event:"u8) || body.StartsWith(": "u8);

    private static void AddStream(LiveSpan span, LlmAttempt attempt, RecordedFields fields)
    {
        if (!attempt.IsEventStream || !attempt.Succeeded)
        {
            return;
        }

        foreach (var chunk in fields.ChunkEvents)
        {
            span.AddEvent(chunk);
        }

        span.SetAttribute(AttributeNames.ChunkCount, AttributeValue.FromInt64(fields.ChunkCount));
        if (fields.ChunksOmitted > 0)
        {
            span.SetAttribute(AttributeNames.ChunksOmitted, AttributeValue.FromInt64(fields.ChunksOmitted));
        }

        if (fields.FirstTokenNs is { } first)
        {
            var milliseconds = (first - span.Trace.ToUnixNs(attempt.StartTimestamp)) / 1e6;
            span.SetAttribute(AttributeNames.TimeToFirstToken, AttributeValue.FromDouble(Math.Max(0, Math.Round(milliseconds, 3))));
        }

        if (StreamEnd(attempt, fields) is { } end)
        {
            span.SetAttribute(AttributeNames.StreamEnd, AttributeValue.FromString(end));
        }
    }

    /// <summary>Decided by content: the package closes the stream at <c>[DONE]</c> without reading on, which looks like a program that walked away.</summary>
    private static string? StreamEnd(LlmAttempt attempt, RecordedFields fields)
    {
        if (fields.SawDone || attempt.ResponseBody.IsCut)
        {
            return null;
        }

        return attempt.End switch
        {
            BodyEnd.Canceled => "cancelled",
            BodyEnd.Faulted => "truncated",
            _ when fields.IsStreamComplete || fields.Error is not null => null,
            BodyEnd.Completed => "truncated",
            _ => "abandoned",
        };
    }

    /// <summary>One event for each try of a call that was tried more than once.</summary>
    private static void AddAttempts(LlmCall call)
    {
        if (call.Attempts.Count < 2)
        {
            return;
        }

        var trace = call.Span.Trace;
        foreach (var attempt in call.Attempts)
        {
            var attributes = new List<KeyValuePair<string, AttributeValue>>
            {
                new(AttributeNames.AttemptNumber, AttributeValue.FromInt64(attempt.Number)),
                new(AttributeNames.AttemptDuration, AttributeValue.FromDouble(
                    attempt.Clock.GetElapsedTime(attempt.StartTimestamp, attempt.EndTimestamp).TotalMilliseconds)),
            };
            if (attempt.Status != 0)
            {
                attributes.Add(new(AttributeNames.HttpStatus, AttributeValue.FromInt64(attempt.Status)));
            }

            if (attempt.RequestId is { } id)
            {
                attributes.Add(new(AttributeNames.RequestId, AttributeValue.FromString(id)));
            }

            if (attempt.RetryAfter is { } retryAfter)
            {
                attributes.Add(new(AttributeNames.AttemptRetryAfter, AttributeValue.FromDouble(retryAfter.TotalMilliseconds)));
            }

            if (attempt.Exception is { } exception)
            {
                attributes.Add(new(AttributeNames.ExceptionType, AttributeValue.FromString(exception.GetType().Name)));
                attributes.Add(new(AttributeNames.ExceptionMessage, AttributeValue.FromString(exception.Message)));
            }

            foreach (var (name, value) in attempt.RateLimits ?? [])
            {
                attributes.Add(new(name, AttributeValue.FromString(value)));
            }

            call.Span.AddEvent(new SpanEvent(AttributeNames.AttemptEvent, trace.ToUnixNs(attempt.StartTimestamp), [.. attributes]));
        }
    }

    private static string Cut(string what, BodyCapture body) =>
        string.Create(CultureInfo.InvariantCulture, $"The {what} body was cut: {body.Length} of {body.TotalBytes} bytes were kept.");

    private static string Text(ReadOnlySpan<byte> body) => System.Text.Encoding.UTF8.GetString(body[..Math.Min(body.Length, 4096)]);

    private static void Set(LiveSpan span, string key, AttributeValue value)
    {
        if (value.Kind != AttributeValueKind.Null)
        {
            span.SetAttribute(key, value);
        }
    }

    private static void SetText(LiveSpan span, string key, string? value)
    {
        if (value is not null)
        {
            span.SetAttribute(key, AttributeValue.FromString(value));
        }
    }
}
