using System.Globalization;

namespace MLflow;

/// <summary>
/// Says why a call failed, as far as that is known and no further: the exception that the program saw, when it was seen to be about this call; the
/// exception with which the request failed; else the HTTP status and what the body says. A type or a stack is never made up.
/// </summary>
internal static class CallError
{
    private const string TimedOut = "The rest of the answer did not come within the client's time limit, which closed the stream.";
    private const string Cancelled = "The request was cancelled or timed out before an answer came.";
    private const string Failed = "The request failed before an answer came.";

    /// <summary>Whether the text of a status is ours, and so quotes nothing.</summary>
    public static bool IsOwnText(string status) => status is TimedOut or Cancelled or Failed;

    /// <summary>Of an answer that came whole: what its body says.</summary>
    /// <param name="span">The call's span.</param>
    /// <param name="error">The error that the body reports; null where it reports none.</param>
    /// <param name="timeNs">When the program was done with the answer.</param>
    public static void Record(LiveSpan span, ApiError? error, long timeNs)
    {
        AddFacts(span, error);
        if (error is not null)
        {
            RecordReported(span, error, timeNs);
        }
    }

    public static void Record(LiveSpan span, LlmAttempt attempt, RecordedFields fields, ApiError? error)
    {
        AddFacts(span, error);
        var exception = attempt.ThrownForResponse ?? attempt.Exception;
        if (exception is not null)
        {
            // What follows [DONE] no longer concerns the answer: closing the stream may cancel a read.
            if (!(attempt.Succeeded && fields.SawDone))
            {
                var type = exception.GetType().Name;
                SetText(span, AttributeNames.ErrorType, error?.Code ?? error?.Type ?? (attempt.Succeeded || attempt.Status == 0 ? type : StatusText(attempt)));
                Record(span, attempt, type, exception.Message, exception.ToString());
            }
        }
        else if (attempt.Status != 0 && !attempt.Succeeded)
        {
            var status = "HTTP " + StatusText(attempt);
            SetText(span, AttributeNames.ErrorType, error?.Code ?? error?.Type ?? StatusText(attempt));
            Record(span, attempt, error?.Type ?? status, Describe(status, error), null);
        }
        else if (error is not null)
        {
            RecordReported(span, error, span.Trace.ToUnixNs(attempt.EndTimestamp));
        }
        else if (attempt.End == BodyEnd.DisposedInRead && !fields.IsStreamComplete)
        {
            span.SetStatus(SpanStatusCode.Error, TimedOut);
        }
        else if (attempt.End == BodyEnd.Canceled)
        {
            span.SetStatus(SpanStatusCode.Error, Cancelled);
        }
        else if (attempt.End == BodyEnd.Faulted)
        {
            span.SetStatus(SpanStatusCode.Error, Failed);
        }
    }

    private static void AddFacts(LiveSpan span, ApiError? error)
    {
        SetText(span, AttributeNames.ErrorCode, error?.Code);
        SetText(span, AttributeNames.ApiErrorType, error?.Type);
        SetText(span, AttributeNames.ErrorParam, error?.Param);
    }

    private static string StatusText(LlmAttempt attempt) => attempt.Status.ToString(CultureInfo.InvariantCulture);

    private static void SetText(LiveSpan span, string key, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            span.SetAttribute(key, AttributeValue.FromString(value));
        }
    }

    private static void RecordReported(LiveSpan span, ApiError error, long timeNs)
    {
        var type = error.Type ?? error.Code ?? "error";
        SetText(span, AttributeNames.ErrorType, error.Code ?? type);
        Record(span, type, Describe(null, error), stack: null, timeNs);
    }

    private static void Record(LiveSpan span, LlmAttempt attempt, string type, string message, string? stack) =>
        Record(span, type, message, stack, span.Trace.ToUnixNs(attempt.EndTimestamp));

    private static void Record(LiveSpan span, string type, string message, string? stack, long timeNs)
    {
        span.RecordException(type, message, stack, timeNs);
        span.SetStatus(SpanStatusCode.Error, $"{type}: {message}");
    }

    private static string Describe(string? status, ApiError? error)
    {
        var details = string.Join(": ", new[] { error?.Type, error?.Code }.Where(part => !string.IsNullOrEmpty(part)));
        var head = status is null ? details : details.Length == 0 ? status : $"{status} ({details})";
        return string.Join(": ", new[] { head, error?.Message }.Where(part => !string.IsNullOrEmpty(part)));
    }
}
