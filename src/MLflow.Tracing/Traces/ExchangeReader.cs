using System.Globalization;
using System.Text;
using System.Text.Json;

namespace MLflow;

/// <summary>Writes the exchange of a span out again: the way back of <see cref="CallRecorder"/>.</summary>
internal static class ExchangeReader
{
    private const string HowToKeepMedia = "Set OpenAIAutologOptions.Media to MediaCapture.Whole to keep all.";

    /// <summary>What the notes of a span say when some of the answer is missing. A body that is kept as text is not.</summary>
    private static readonly string[] NotesOfMissingContent =
    [
        "the response body was cut", "compressed response", "content encoding", "turned off before", "ended before this call", "content was dropped",
    ];

    public static IReadOnlyList<RecordedExchange> ReadAll(IEnumerable<TraceSpan> spans) =>
        [.. spans.Where(span => span.Text(AttributeNames.Operation) is not null).OrderBy(span => span.StartNs).Select(Read).OfType<RecordedExchange>()];

    /// <summary>Null where the span does not say what was asked of whom.</summary>
    private static RecordedExchange? Read(TraceSpan span)
    {
        if (span.Text(AttributeNames.HttpMethod) is not { } method || !Uri.TryCreate(span.Text(AttributeNames.HttpUrl), UriKind.Absolute, out var url))
        {
            return null;
        }

        var attempts = span.Events.Where(e => e.Name == AttributeNames.AttemptEvent).ToList();

        // A stream that broke and was taken up again is written out as one: it began with the first of its requests.
        var first = attempts.FindLastIndex(attempt => attempt.Text(AttributeNames.AttemptReconnect) != "true");
        var startNs = first >= 0 ? attempts[first].TimeNs : span.StartNs;
        var duration = UnixNano.Between(startNs, span.EndNs ?? startNs);
        var status = (int)(span.Number(AttributeNames.HttpStatus) ?? 0);
        var isStream = status is >= 200 and < 300 && span.Number(AttributeNames.ChunkCount) is not null;
        var events = isStream ? ReadEvents(span, startNs, duration) : [];
        var requestType = span.Text(AttributeNames.RequestContentType);
        var responseType = span.Text(AttributeNames.ResponseContentType);
        var request = HasRequestBody(span, method) ? ExchangeBody.Write(span.Inputs, requestType) : default;
        var response = isStream ? new ExchangeBody(WriteEvents(events)) : ReadResponse(span, status, responseType);
        return new RecordedExchange
        {
            SpanId = span.SpanId,
            Operation = span.Text(AttributeNames.Operation),
            Method = method,
            Url = url,
            RequestContentType = request.ContentType ?? requestType,
            RequestBody = request.Bytes,
            Status = status,
            ResponseContentType = response.ContentType ?? responseType,
            ResponseBody = response.Bytes,
            RequestId = span.Text(AttributeNames.RequestId),
            IsStream = isStream,
            Events = events,
            Duration = duration,
            EarlierAttempts = Math.Max(0, first),
            MissingOfRequest = MissingOfRequest(span) ?? request.Missing,
            MissingOfResponse = MissingOfResponse(span, status) ?? response.Missing,
            BrokenBy = span.Text(AttributeNames.StreamEnd) == StreamEnds.ConnectionLost ? span.StatusMessage ?? "The connection broke." : null,
        };
    }

    /// <summary>Inputs of a request without a body are what its path says.</summary>
    private static bool HasRequestBody(TraceSpan span, string method) => span.Number(AttributeNames.RequestBodySize) is { } size
        ? size > 0
        : method is not ("GET" or "HEAD" or "DELETE") && span.Text(AttributeNames.RequestContentType) is not null;

    private static ExchangeBody ReadResponse(TraceSpan span, int status, string? contentType)
    {
        if (status is >= 200 and < 300)
        {
            return ExchangeBody.Write(span.Outputs, contentType);
        }

        var body = ExchangeBody.Write(span.Value(AttributeNames.ErrorBody), contentType);
        return body.Bytes.Length < CallRecorder.MaxErrorBodyBytes
            ? body
            : body with { Missing = string.Create(CultureInfo.InvariantCulture, $"Of a failed answer no more than {CallRecorder.MaxErrorBodyBytes} bytes are kept.") };
    }

    private static List<RecordedStreamEvent> ReadEvents(TraceSpan span, long startNs, TimeSpan duration)
    {
        var events = new List<RecordedStreamEvent>();
        foreach (var chunk in span.Events.Where(e => ChunkNumber(e) is not null).OrderBy(ChunkNumber))
        {
            var data = chunk.Text(AttributeNames.ChunkValue) ?? "";
            var type = chunk.Text(AttributeNames.ChunkEventType) switch
            {
                null => TypeOf(data),
                "" => null,
                var named => named,
            };
            events.Add(new RecordedStreamEvent(type, data, UnixNano.Between(startNs, chunk.TimeNs)));
        }

        if (span.Value(AttributeNames.StreamDone) is { ValueKind: JsonValueKind.True })
        {
            events.Add(new RecordedStreamEvent(span.Text(AttributeNames.StreamDoneEvent), "[DONE]", duration));
        }

        return events;
    }

    private static int? ChunkNumber(TraceSpanEvent item) =>
        item.Name.StartsWith(AttributeNames.ChunkEventPrefix, StringComparison.Ordinal)
        && int.TryParse(item.Name.AsSpan(AttributeNames.ChunkEventPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;

    /// <summary>Data that are no JSON were never looked at for a type.</summary>
    private static string? TypeOf(string data) => Encoding.UTF8.GetBytes(data) is var json && JsonText.IsJsonObject(json) ? JsonText.TypeOf(json) : null;

    private static byte[] WriteEvents(List<RecordedStreamEvent> events)
    {
        var text = new StringBuilder();
        foreach (var item in events)
        {
            text.Append(item.ToText());
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static string? MissingOfRequest(TraceSpan span)
    {
        if (span.Text(AttributeNames.CaptureNote) is { } note && note.Contains("The request body was cut", StringComparison.Ordinal))
        {
            return note;
        }

        return span.Number(AttributeNames.RequestBodySize) > 0 && span.Inputs is null ? "The request's body was not recorded." : TrimmedMedia(span, "inputs");
    }

    private static string? MissingOfResponse(TraceSpan span, int status)
    {
        if (status == 0)
        {
            return $"No answer came. {span.StatusMessage}".TrimEnd();
        }

        if (span.Text(AttributeNames.CaptureNote) is { } note && NotesOfMissingContent.Any(part => note.Contains(part, StringComparison.OrdinalIgnoreCase)))
        {
            return note;
        }

        if (span.Text(AttributeNames.CaptureMode) is not null)
        {
            return $"No content was recorded ({nameof(PrivacyOptions)}.{nameof(PrivacyOptions.Capture)}).";
        }

        if (span.Events.Any(e => e.Text(AttributeNames.ChunkValue) is RedactionMarks.Chunk or RedactionMarks.Failed))
        {
            return "The events of the stream were withheld, because something in it was redacted.";
        }

        if (span.Number(AttributeNames.ChunksOmitted) is { } omitted)
        {
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{omitted} of {span.Number(AttributeNames.ChunkCount)} events of the stream were not kept (OpenAIAutologOptions.MaxChunkEvents).");
        }

        if (span.Number(AttributeNames.ChunksTrimmed) is { } trimmed)
        {
            return string.Create(CultureInfo.InvariantCulture, $"Of the media in {trimmed} events of the stream only the beginning was kept. {HowToKeepMedia}");
        }

        // The merged output of a stream is not what is written out.
        if (span.Number(AttributeNames.ChunkCount) is null && TrimmedMedia(span, "outputs") is { } media)
        {
            return media;
        }

        if (StreamEnds.IsStoppedByProgram(span.Text(AttributeNames.StreamEnd)))
        {
            return "The program did not read the stream to its end.";
        }

        return span.Text(AttributeNames.StreamEnd) == StreamEnds.TimedOut ? "A time limit of the client ended the stream." : null;
    }

    private static string? TrimmedMedia(TraceSpan span, string root)
    {
        if (span.Value(AttributeNames.Media) is not { ValueKind: JsonValueKind.Array } list)
        {
            return null;
        }

        var paths = list.EnumerateArray()
            .Select(media => media.ValueKind == JsonValueKind.Object && media.TryGetProperty("path", out var path) ? path.GetString() ?? "" : "")
            .Where(path => path.StartsWith(root, StringComparison.Ordinal))
            .ToList();
        return paths.Count == 0 ? null : $"Only the beginning was kept of {string.Join(", ", paths)}. {HowToKeepMedia}";
    }
}
