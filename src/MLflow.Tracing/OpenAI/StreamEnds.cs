namespace MLflow;

/// <summary>How a stream ended: the values of <see cref="AttributeNames.StreamEnd"/>.</summary>
internal static class StreamEnds
{
    /// <summary>By itself: its end mark or all of its content came.</summary>
    public const string Completed = "completed";

    /// <summary>The program stopped reading and closed it.</summary>
    public const string Abandoned = "abandoned";

    /// <summary>The program dropped it without closing it; it was found by the garbage collector.</summary>
    public const string Dropped = "dropped";

    /// <summary>The program never read of it.</summary>
    public const string Unread = "unread";

    /// <summary>The program cancelled it.</summary>
    public const string Cancelled = "cancelled";

    /// <summary>A time limit of the client ended it.</summary>
    public const string TimedOut = "timed_out";

    /// <summary>The server reported an error in the stream.</summary>
    public const string ServerError = "server_error";

    /// <summary>The connection broke.</summary>
    public const string ConnectionLost = "connection_lost";

    /// <summary>The server ended it in good order, but before its content was complete.</summary>
    public const string Truncated = "truncated";

    /// <summary>More came than is kept, so that the end was not seen.</summary>
    public const string NotSeen = "not_seen";

    /// <summary>Tracing was turned off, or the program ended, while it was under way.</summary>
    public const string Detached = "detached";

    /// <summary>True when the program wanted the rest and did not get it.</summary>
    public static bool IsCut(string? end) => end is Truncated or ConnectionLost or TimedOut or ServerError;

    /// <summary>True when the program did not want the rest.</summary>
    public static bool IsStoppedByProgram(string? end) => end is Abandoned or Dropped or Unread or Cancelled or Detached;

    /// <summary>Decided by content: the package closes the stream at <c>[DONE]</c> without reading on, which looks like a program that walked away.</summary>
    public static string Of(LlmCall call, RecordedFields fields)
    {
        var attempt = call.Last;
        if (fields.Error is not null)
        {
            return ServerError;
        }

        if (fields.SawDone)
        {
            return Completed;
        }

        if (attempt.IsTimeout || (attempt.End == BodyEnd.DisposedInRead && !fields.IsStreamComplete))
        {
            return TimedOut;
        }

        return attempt.End switch
        {
            BodyEnd.Canceled => Cancelled,
            BodyEnd.Faulted => ConnectionLost,
            _ when fields.IsStreamComplete => Completed,

            // The server was asked for the rest of a broken stream. With 204 it said that there is none.
            _ when call.Broken is not null && attempt is { IsStream: false, Status: not 204 } => ConnectionLost,
            _ when call.Broken is not null && attempt.Status == 204 => Truncated,
            BodyEnd.Detached => Detached,
            _ when call.Attempts.Any(part => part.IsStream && part.ResponseBody.IsCut) => NotSeen,
            BodyEnd.Completed => Truncated,
            _ when call.Attempts.All(part => part.ResponseBody.TotalBytes == 0) => Unread,
            BodyEnd.Finalized => Dropped,
            _ => Abandoned,
        };
    }
}
