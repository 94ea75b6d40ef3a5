using System.Globalization;

namespace MLflow;

/// <summary>
/// An event stream that ended before its end mark, so that a client may ask for the rest (WHATWG HTML §9.2.3): after a pause it sends the same request
/// again and names the last event that it got in <c>Last-Event-ID</c>. System.ClientModel does so by itself since version 1.16, when a connection broke
/// and the request accepts event streams; a GET, which is harmless to repeat, also without an id.
/// </summary>
/// <param name="Attempt">The try whose answer it was.</param>
/// <param name="LastEventId">The id of the last event that had one; null when none had, and a client starts again from the beginning.</param>
/// <param name="Wait">How long to wait for a request that goes on.</param>
internal sealed record BrokenStream(LlmAttempt Attempt, string? LastEventId, TimeSpan Wait)
{
    // System.ClientModel's own; the standard leaves it to the client.
    private static readonly TimeSpan DefaultPause = TimeSpan.FromSeconds(3);

    /// <summary>Null where nobody can go on with an answer: it is no stream, is complete, or the program left it.</summary>
    public static BrokenStream? Of(LlmAttempt attempt)
    {
        var hasFaulted = attempt is { End: BodyEnd.Faulted, Exception: IOException };
        if (!attempt.IsStream || !(hasFaulted || (attempt.End == BodyEnd.Completed && MayHaveIds(attempt))))
        {
            return null;
        }

        var earlier = attempt.Resumes;
        using var body = Read(attempt);
        var events = new ServerSentEvents(body.Bytes);
        var isComplete = false;
        while (events.MoveNext())
        {
            isComplete = events.IsDispatched && IsEndMark(events.Event, events.Data);
        }

        var id = events.LastIdOffset > 0 ? Text(events.LastId) : earlier?.LastEventId ?? "";
        if (isComplete || (id.Length == 0 && !(hasFaulted && attempt.Request is { } request && IsRepeatable(request))))
        {
            return null;
        }

        var wait = int.TryParse(events.Retry, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
            ? PendingCalls.WaitFor(TimeSpan.FromMilliseconds(milliseconds))
            : earlier?.Wait ?? PendingCalls.WaitFor(DefaultPause);
        return new BrokenStream(attempt, id.Length == 0 ? null : id, wait);
    }

    /// <summary>A server that numbers its events numbers the first ones, too. Most streams end here: the rest of a sound one is not looked at.</summary>
    private static bool MayHaveIds(LlmAttempt attempt) =>
        attempt.ContentEncoding is null && attempt.ResponseBody.HeadContains("id:"u8);

    private static CapturedBody Read(LlmAttempt attempt)
    {
        var body = attempt.ResponseBody.Copy();
        if (attempt.ContentEncoding is null or "" or "identity")
        {
            return body;
        }

        using (body)
        {
            return ContentDecoder.Decode(body, attempt.ContentEncoding, attempt.Call.Capture.MaxCaptureBytes, out _) ?? CapturedBody.Empty;
        }
    }

    private static bool IsRepeatable(HttpRequestMessage request) =>
        request.Method == HttpMethod.Get
        && request.Headers.NonValidated.TryGetValues("Accept", out var accept)
        && accept.ToString().Contains("text/event-stream", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether a stream ends here by itself. Of chat completions <c>[DONE]</c>, of other APIs an event that says so by its name.</summary>
    private static bool IsEndMark(ReadOnlySpan<byte> name, ReadOnlySpan<byte> data)
    {
        if (data.SequenceEqual("[DONE]"u8))
        {
            return true;
        }

        var type = name.IsEmpty ? (JsonText.IsJsonObject(data) ? JsonText.TypeOf(data) : null) ?? "" : Text(name);
        return type is "done" or "error" or "response.completed" or "response.failed" or "response.incomplete"
            or "image_generation.completed" or "image_edit.completed" or "speech.audio.done" or "transcript.text.done";
    }

    private static string Text(ReadOnlySpan<byte> text) => System.Text.Encoding.UTF8.GetString(text);
}
