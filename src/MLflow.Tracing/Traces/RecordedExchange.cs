namespace MLflow;

/// <summary>An HTTP request and its answer, written out again from a span.</summary>
/// <remarks>
/// JSON bodies are equal as JSON, not byte by byte (white space, escapes). Event streams have the same events, without comments. Compressed answers are written out
/// unpacked. Secrets in the address are not in the trace.
/// </remarks>
public sealed class RecordedExchange
{
    internal RecordedExchange()
    {
    }

    /// <summary>The span that the exchange is of.</summary>
    public string SpanId { get; internal init; } = "";

    /// <summary>The operation by the name of OpenAI's own clients, for example <c>chat.completions.create</c>; null where it was not recorded.</summary>
    public string? Operation { get; internal init; }

    /// <summary>HTTP method.</summary>
    public string Method { get; internal init; } = "";

    /// <summary>The address, without secrets.</summary>
    public Uri Url { get; internal init; } = null!;

    /// <summary>The request's <c>Content-Type</c>; null where it had none.</summary>
    public string? RequestContentType { get; internal init; }

    /// <summary>The request's body; empty where it had none.</summary>
    public ReadOnlyMemory<byte> RequestBody { get; internal init; }

    /// <summary>HTTP status; 0 where no answer came.</summary>
    public int Status { get; internal init; }

    /// <summary>The answer's <c>Content-Type</c>; null where it had none.</summary>
    public string? ResponseContentType { get; internal init; }

    /// <summary>The answer's body; of an event stream the text of its events.</summary>
    public ReadOnlyMemory<byte> ResponseBody { get; internal init; }

    /// <summary>Id that the server gave to the request (<c>x-request-id</c>); null where it gave none.</summary>
    public string? RequestId { get; internal init; }

    /// <summary>True when the answer was an event stream.</summary>
    public bool IsStream { get; internal init; }

    /// <summary>The events of an event stream, <c>[DONE]</c> included.</summary>
    public IReadOnlyList<RecordedStreamEvent> Events { get; internal init; } = [];

    /// <summary>From the beginning of the request to the last byte of the answer.</summary>
    public TimeSpan Duration { get; internal init; }

    /// <summary>
    /// Tries of the same call before this one. Of those the trace has events only, not their answers. Requests that went on with a broken stream are not
    /// among them: such a stream is one answer, without the pause's cause.
    /// </summary>
    public int EarlierAttempts { get; internal init; }

    /// <summary>False when the trace does not have all of the request and of the answer.</summary>
    public bool IsComplete => IncompleteReason is null;

    /// <summary>What is missing and why; null when nothing is.</summary>
    public string? IncompleteReason => MissingOfRequest is null || MissingOfResponse is null || MissingOfRequest == MissingOfResponse
        ? MissingOfRequest ?? MissingOfResponse
        : $"{MissingOfRequest} {MissingOfResponse}";

    internal string? MissingOfRequest { get; init; }

    internal string? MissingOfResponse { get; init; }

    /// <summary>Why the connection ended before the answer did; null where it did not.</summary>
    internal string? BrokenBy { get; init; }

    /// <summary>Method and address.</summary>
    public override string ToString() => $"{Method} {Url}";
}
