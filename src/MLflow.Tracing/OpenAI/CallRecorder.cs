using System.Globalization;

namespace MLflow;

/// <summary>Makes the span of a finished call from what was captured of it. Runs in the background.</summary>
internal static class CallRecorder
{
    /// <summary>What is kept of the body of a failed answer.</summary>
    public const int MaxErrorBodyBytes = 64 << 10;

    /// <summary>A list that takes more is not kept.</summary>
    private const int MaxKeptAttributes = 256;

    // Its content goes to the span: a list for each call would be a kilobyte for the garbage collector.
    [ThreadStatic]
    private static List<KeyValuePair<string, AttributeValue>>? _spareList;

    public static void Record(LlmCall call, OpenAIAutologOptions options)
    {
        if (PlainCall.Take(call, options) is { } plain)
        {
            call.Span.Plain = plain;
            call.Span.EndAt(call.Span.Trace.ToUnixNs(EndTimestamp(call.Attempts[0])), inBackground: true);
            return;
        }

        var list = TakeList();
        Record(call, options, list);
        Keep(list);
    }

    /// <summary>Records a call that was handed over as it was, as <see cref="Record(LlmCall, OpenAIAutologOptions)"/> would have. Does not end the span.</summary>
    public static void Record(in ReceivedCall call, LiveSpan span)
    {
        var attributes = TakeList();
        var fields = new RecordedFields { Attributes = attributes, RestOfOutput = call.Facts.Operation.RestOfOutput };
        var notes = new List<string>();
        var recorder = new GuardedRecorder(call.Facts.Operation.Recorder, e => notes.Add(Unreadable(e)));
        span.SetAttribute(AttributeNames.RequestBodySize, AttributeValue.FromInt64(call.Request.Length));
        recorder.RecordRequest(new RecordedBody(call.Request, call.Facts.RequestContentType), fields);
        recorder.RecordResponse(new RecordedBody(call.Response, call.Facts.ResponseContentType), fields);
        AddFields(span, attributes, fields, call.Facts, call.TrimsMedia);
        CallError.Record(span, fields.Error, call.ClosedNs);
        AddNotes(span, notes);
        Keep(attributes);
    }

    private static List<KeyValuePair<string, AttributeValue>> TakeList()
    {
        var list = _spareList ?? new(32);
        _spareList = null;
        return list;
    }

    private static void Keep(List<KeyValuePair<string, AttributeValue>> list)
    {
        if (list.Capacity <= MaxKeptAttributes)
        {
            list.Clear();
            _spareList = list;
        }
    }

    private static string Unreadable(Exception e) => $"A body could not be read and is kept as text: {e.GetType().Name}: {e.Message}";

    private static void Record(LlmCall call, OpenAIAutologOptions options, List<KeyValuePair<string, AttributeValue>> attributes)
    {
        var span = call.Span;
        var attempt = call.Answer;
        span.IsWithoutContent |= options.Capture == CaptureMode.Metadata;
        var fields = new RecordedFields
        {
            Attributes = attributes,
            RestOfOutput = call.Operation.RestOfOutput,
            Limits = new StreamLimits(options.MaxChunkEvents, options.MaxCaptureBytes, options.Media == MediaCapture.Preview),
        };
        var notes = new List<string>();
        if (call.Note is not null)
        {
            notes.Add(call.Note);
        }

        var recorder = new GuardedRecorder(call.Operation.Recorder, e =>
        {
            notes.Add(Unreadable(e));
            call.Capture.RecorderFailed(e);
        });
        RecordRequest(call, recorder, fields, notes);
        ApiError? error;
        using (var body = TakeAnswer(call, attempt, options, notes))
        {
            error = RecordResponse(call, attempt, recorder, body, fields);
        }

        var failed = FailedAfter(attempt, call.Last);
        if (!ReferenceEquals(failed, attempt) && !failed.Succeeded)
        {
            using var body = TakeResponse(failed, options.MaxCaptureBytes, notes);
            error = RecordResponse(call, failed, recorder, body, fields) ?? error;
        }

        AddFields(span, attributes, fields, CallFacts.Of(call, attempt), options.Media == MediaCapture.Preview);
        AddAttempts(call);
        AddStream(call, attempt, fields);
        CallError.Record(span, failed, fields, error);
        AddNotes(span, notes);
        span.EndAt(span.Trace.ToUnixNs(EndTimestamp(failed)), inBackground: true);
    }

    /// <summary>Puts what the recorder found, and what the bodies do not say, on the span.</summary>
    private static void AddFields(LiveSpan span, List<KeyValuePair<string, AttributeValue>> attributes, RecordedFields fields, in CallFacts call, bool trimsMedia)
    {
        if (trimsMedia)
        {
            MediaTrimmer.Trim(fields);
        }

        if (fields.Media.Count > 0)
        {
            attributes.Add(new(AttributeNames.Media, AttributeValue.FromJson(MediaTrimmer.Describe(fields.Media))));
        }

        var operation = fields.Operation ?? call.Operation;
        span.Rename((call.IsAsync ? operation.AsyncSpanName : null) ?? operation.SpanName);
        span.SetSpanType(operation.SpanType);
        AddText(attributes, AttributeNames.Operation, operation.Name);
        AddExchange(attributes, call);
        Add(attributes, AttributeNames.Inputs, fields.Inputs);
        Add(attributes, AttributeNames.Outputs, fields.Outputs);

        // A deployment's name is the customer's own; what answered is what has a price.
        AddText(attributes, AttributeNames.Model, fields.RequestModel ?? fields.ResponseModel ?? call.Address?.Model);
        AddText(attributes, AttributeNames.RequestModel, fields.RequestModel ?? call.Address?.Model);
        AddText(attributes, AttributeNames.ResponseModel, fields.ResponseModel);
        AddText(attributes, AttributeNames.Endpoint, call.Address?.EndpointOf(fields.RequestModel));
        AddText(attributes, AttributeNames.ResponseId, fields.ResponseId);
        AddText(attributes, AttributeNames.PreviousResponseId, fields.PreviousResponseId);
        AddText(attributes, AttributeNames.ServiceTier, fields.ServiceTier);
        AddText(attributes, AttributeNames.SystemFingerprint, fields.SystemFingerprint);
        AddText(attributes, AttributeNames.FinishReason, fields.FinishReason);
        AddText(attributes, AttributeNames.RequestId, call.RequestId);
        AddText(attributes, AttributeNames.ProcessingTime, call.ProcessingTime);
        if (call.Status != 0)
        {
            attributes.Add(new(AttributeNames.HttpStatus, AttributeValue.FromInt64(call.Status)));
        }

        if (fields.Usage is { } usage)
        {
            span.SetUsage(usage);
        }

        AddJson(attributes, AttributeNames.ReportedUsage, fields.ReportedUsage);
        AddJson(attributes, AttributeNames.UsageBuckets, fields.UsageBuckets);
        span.SetAttributes(attributes);
        span.Trace.OfferMetadata(TraceKeys.Session, fields.Session);
        span.Trace.OfferMetadata(TraceKeys.User, fields.User);
    }

    private static void AddNotes(LiveSpan span, List<string> notes)
    {
        if (notes.Count > 0)
        {
            span.SetAttribute(AttributeNames.CaptureNote, AttributeValue.FromString(string.Join(' ', notes)));
        }
    }

    /// <summary>The try that says whether the call failed: the one that was to go on with a broken stream and did not, else the answer's own.</summary>
    private static LlmAttempt FailedAfter(LlmAttempt answer, LlmAttempt last) =>
        !last.Succeeded || last.Status == 204 ? last : answer;

    /// <summary>The last byte ended the call; how long the program then took to notice or to close the stream is not the call's time.</summary>
    private static long EndTimestamp(LlmAttempt attempt) =>
        attempt.ResponseBody.LastByteTimestamp is > 0 and var last && attempt.Succeeded && attempt.End is not (BodyEnd.Canceled or BodyEnd.Faulted or BodyEnd.DisposedInRead)
            ? last
            : attempt.EndTimestamp;

    private static void RecordRequest(LlmCall call, GuardedRecorder recorder, RecordedFields fields, List<string> notes)
    {
        // The last try may have failed before its body was sent; the bodies are equal.
        var source = call.Attempts.LastOrDefault(a => a.RequestBody.Length > 0);
        if (source is not null)
        {
            if (source.RequestBody.IsCut)
            {
                notes.Add(Cut("request", source.RequestBody));
            }

            call.Span.SetAttribute(AttributeNames.RequestBodySize, AttributeValue.FromInt64(source.RequestBody.TotalBytes));
            using var body = source.RequestBody.Take();
            recorder.RecordRequest(
                new RecordedBody(body.Bytes, source.RequestContentType, source.RequestBody.TotalBytes) { Files = source.RequestBody.Files }, fields);
        }
        else
        {
            fields.Inputs = PathInputs.Of(call);
        }

        foreach (var attempt in call.Attempts)
        {
            attempt.RequestBody.Discard();
        }
    }

    private static CapturedBody TakeAnswer(LlmCall call, LlmAttempt last, OpenAIAutologOptions options, List<string> notes)
    {
        if (call.Broken is null)
        {
            return TakeResponse(last, options.MaxCaptureBytes, notes);
        }

        var room = options.MaxCaptureBytes;
        var parts = new List<CapturedBody>();
        foreach (var attempt in call.Attempts.Where(attempt => attempt.IsStream))
        {
            parts.Add(TakeResponse(attempt, room, notes));
            room -= Math.Min(room, parts[^1].Bytes.Length);
        }

        if (parts.Count == 1)
        {
            return parts[0];
        }

        var answer = StreamParts.Join(parts, out var repeated);
        if (repeated > 0)
        {
            notes.Add(string.Create(CultureInfo.InvariantCulture, $"{repeated} events came again after a reconnect and are recorded once."));
        }

        return answer;
    }

    private static CapturedBody TakeResponse(LlmAttempt attempt, int maxBytes, List<string> notes)
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
            var decoded = ContentDecoder.Decode(body, attempt.ContentEncoding, maxBytes, out var note);
            if (note is not null && !(attempt.ResponseBody.IsCut || attempt.End is BodyEnd.Disposed or BodyEnd.Finalized))
            {
                notes.Add(note);
            }

            return decoded ?? CapturedBody.Empty;
        }
    }

    /// <returns>The error that the body reports.</returns>
    private static ApiError? RecordResponse(LlmCall call, LlmAttempt attempt, GuardedRecorder recorder, CapturedBody body, RecordedFields fields)
    {
        if (body.Bytes.IsEmpty)
        {
            return null;
        }

        if (!attempt.Succeeded)
        {
            call.Span.SetAttribute(AttributeNames.ErrorBody, ErrorBody(body.Bytes));
            return ApiErrorReader.ReadBody(body.Bytes) ?? new ApiError(Text(body.Bytes), null, null);
        }

        var recorded = new RecordedBody(body.Bytes, attempt.ResponseContentType, attempt.ContentEncoding is null && call.Broken is null ? attempt.ResponseBody.TotalBytes : -1);
        if (attempt.IsEventStream || LooksLikeEvents(body.Bytes))
        {
            foreach (ref var mark in body.Marks)
            {
                mark = mark with { Time = call.Span.Trace.ToUnixNs(mark.Time) };
            }

            recorder.RecordStream(recorded, body.Marks, fields);
            attempt.SetIsEventStream();
        }
        else
        {
            recorder.RecordResponse(recorded, fields);
        }

        return fields.Error;
    }

    /// <summary>Some compatible servers stream under another content type.</summary>
    private static bool LooksLikeEvents(ReadOnlySpan<byte> body) =>
        body.StartsWith("data:"u8) || body.StartsWith("event:"u8) || body.StartsWith(": "u8);

    private static void AddStream(LlmCall call, LlmAttempt attempt, RecordedFields fields)
    {
        if (!attempt.IsStream)
        {
            return;
        }

        var span = call.Span;
        var chunks = fields.Chunks;
        span.SetChunks(chunks);
        span.SetAttribute(AttributeNames.ChunkCount, AttributeValue.FromInt64(chunks?.Total ?? 0));
        if (chunks is not null && chunks.Total > chunks.Count)
        {
            span.SetAttribute(AttributeNames.ChunksOmitted, AttributeValue.FromInt64(chunks.Total - chunks.Count));
        }

        if (chunks is { Trimmed: > 0 and var trimmed })
        {
            span.SetAttribute(AttributeNames.ChunksTrimmed, AttributeValue.FromInt64(trimmed));
        }

        if (fields.SawDone)
        {
            span.SetAttribute(AttributeNames.StreamDone, AttributeValue.FromBoolean(true));
            if (fields.DoneEvent is { } doneEvent)
            {
                span.SetAttribute(AttributeNames.StreamDoneEvent, AttributeValue.FromString(doneEvent));
            }
        }

        AddStreamFigures(span, call.Broken is null ? attempt : call.Attempts.First(part => part.IsStream), fields);
        span.SetAttribute(AttributeNames.StreamEnd, AttributeValue.FromString(StreamEnds.Of(call, fields)));
    }

    private static void AddStreamFigures(LiveSpan span, LlmAttempt attempt, RecordedFields fields)
    {
        if (fields.FirstTokenNs is not { } first)
        {
            return;
        }

        SetMilliseconds(span, AttributeNames.TimeToFirstToken, Math.Max(0, first - span.Trace.ToUnixNs(attempt.StartTimestamp)));
        if (fields.LongestGapNs is { } gap)
        {
            SetMilliseconds(span, AttributeNames.LongestGap, gap);
        }

        // The first token is not counted: the time that it took is the time to the first token.
        if (fields.Usage?.OutputTokens is > 1 and var tokens && fields.LastTokenNs is { } last && last > first)
        {
            var rate = (tokens - 1) / ((last - first) / 1e9);
            span.SetAttribute(AttributeNames.TokensPerSecond, AttributeValue.FromDouble(Math.Round(rate, 3)));
        }
    }

    private static void SetMilliseconds(LiveSpan span, string key, long nanoseconds) =>
        span.SetAttribute(key, AttributeValue.FromDouble(Math.Round(nanoseconds / 1e6, 3)));

    /// <summary>What is needed, beside the bodies, to write the exchange out again.</summary>
    private static void AddExchange(List<KeyValuePair<string, AttributeValue>> attributes, in CallFacts call)
    {
        AddText(attributes, AttributeNames.HttpMethod, call.Method);
        AddText(attributes, AttributeNames.HttpUrl, call.Address?.Text);
        AddText(attributes, AttributeNames.Provider, call.Address?.Provider);
        AddText(attributes, AttributeNames.RequestContentType, call.RequestContentType);
        AddText(attributes, AttributeNames.ResponseContentType, call.ResponseContentType);
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

            if (attempt.Resumes is { } broken)
            {
                attributes.Add(new(AttributeNames.AttemptReconnect, AttributeValue.FromBoolean(true)));
                if (broken.LastEventId is { } last)
                {
                    attributes.Add(new(AttributeNames.AttemptLastEventId, AttributeValue.FromString(last)));
                }
            }

            if (attempt.Exception is { } exception)
            {
                attributes.Add(new(AttributeNames.ExceptionType, AttributeValue.FromString(exception.GetType().Name)));
                attributes.Add(new(AttributeNames.ExceptionMessage, AttributeValue.FromString(exception.Message)));
            }

            if (attempt.ProcessingTime is { } processing)
            {
                attributes.Add(new(AttributeNames.ProcessingTime, AttributeValue.FromString(processing)));
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

    /// <summary>The body of a failed answer; JSON that is cut is no JSON any more.</summary>
    private static AttributeValue ErrorBody(ReadOnlySpan<byte> body)
    {
        var kept = JsonText.ValidUtf8(body[..Math.Min(body.Length, MaxErrorBodyBytes)]);
        return JsonText.Body(kept, JsonText.IsJson(kept));
    }

    private static string Text(ReadOnlySpan<byte> body) => System.Text.Encoding.UTF8.GetString(body[..Math.Min(body.Length, 4096)]);

    private static void Add(List<KeyValuePair<string, AttributeValue>> attributes, string key, AttributeValue value)
    {
        if (value.Kind != AttributeValueKind.Null)
        {
            attributes.Add(new(key, value));
        }
    }

    private static void AddJson(List<KeyValuePair<string, AttributeValue>> attributes, string key, byte[]? json)
    {
        if (json is not null)
        {
            attributes.Add(new(key, AttributeValue.FromJson(json)));
        }
    }

    private static void AddText(List<KeyValuePair<string, AttributeValue>> attributes, string key, string? value)
    {
        if (value is not null)
        {
            attributes.Add(new(key, AttributeValue.FromString(value)));
        }
    }
}
