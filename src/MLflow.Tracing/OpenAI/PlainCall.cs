namespace MLflow;

/// <summary>
/// A call that is sent as it was, for the server to record (<see cref="PlainCallFeature"/>): one try that succeeded, two whole bodies of JSON, and nothing
/// else in its trace. Its span has it until it is encoded.
/// </summary>
internal sealed class PlainCall : IDisposable
{
    private readonly CapturedBody _request;
    private readonly CapturedBody _response;

    private PlainCall(in CallFacts facts, CapturedBody request, CapturedBody response, long closedNs, bool trimsMedia)
    {
        Facts = facts;
        _request = request;
        _response = response;
        ClosedNs = closedNs;
        TrimsMedia = trimsMedia;
    }

    public CallFacts Facts { get; }

    public ReadOnlySpan<byte> Request => _request.Bytes;

    public ReadOnlySpan<byte> Response => _response.Bytes;

    /// <summary>When the program was done with the answer, in nanoseconds since the Unix epoch.</summary>
    public long ClosedNs { get; }

    /// <summary>Of media only a beginning is recorded.</summary>
    public bool TrimsMedia { get; }

    /// <summary>Whether calls of an operation may go so. Others are rare, or have more than two bodies of JSON to them.</summary>
    public static bool Has(ApiOperation operation) => OperationOf(operation.Name) == operation;

    /// <summary>The operation of that name; null where it is none of those that go so.</summary>
    public static ApiOperation? OperationOf(string name) =>
        name == ApiCatalog.ChatCompletions.Name ? ApiCatalog.ChatCompletions
        : name == ApiCatalog.Responses.Name ? ApiCatalog.Responses
        : name == ApiCatalog.Completions.Name ? ApiCatalog.Completions
        : null;

    /// <summary>
    /// Whether JSON spells a sign of base64 as an escape. Read, a parameter with it is another text than the one that stands in the body, and might look like a
    /// secret where that does not. Other escapes stand for what no key has in it.
    /// </summary>
    public static bool MayHideSigns(ReadOnlySpan<byte> bytes)
    {
        while (bytes.IndexOf((byte)'\\') is >= 0 and var at && at + 1 < bytes.Length)
        {
            if (bytes[at + 1] == '/' || bytes[(at + 1)..].StartsWith("u002B"u8) || bytes[(at + 1)..].StartsWith("u002b"u8))
            {
                return true;
            }

            bytes = bytes[(at + 2)..];
        }

        return false;
    }

    /// <summary>Takes the bodies of a call and settles its trace. Null where the call has to be recorded here; then nothing was taken.</summary>
    public static PlainCall? Take(LlmCall call, OpenAIAutologOptions options)
    {
        var span = call.Span;
        if (call is not { Attempts.Count: 1, Scope: null, Note: null } || !Has(call.Operation) || !IsPlain(call.Attempts[0]) || !MayGo(span, options))
        {
            return null;
        }

        var attempt = call.Attempts[0];
        if (!span.Trace.Outlet.Exporter.RecordsCalls(span.Trace.Destination) || !span.Trace.TrySettle(span))
        {
            return null;
        }

        return new PlainCall(
            CallFacts.Of(call, attempt), attempt.RequestBody.Take(), attempt.ResponseBody.Take(), span.Trace.ToUnixNs(attempt.EndTimestamp), options.Media == MediaCapture.Preview);
    }

    public void Dispose()
    {
        _request.Dispose();
        _response.Dispose();
    }

    private static bool IsPlain(LlmAttempt attempt) =>
        attempt is { Status: 200, End: BodyEnd.Completed or BodyEnd.Disposed, Exception: null, ThrownForResponse: null, ContentEncoding: null, IsEventStream: false, Resumes: null }
        && IsJson(attempt.RequestContentType) && IsJson(attempt.ResponseContentType)
        && IsPlain(attempt.RequestBody) && IsPlain(attempt.ResponseBody);

    private static bool IsPlain(BodyCapture body) =>
        body is { IsCut: false, Length: > 0 and <= PlainCallFeature.MaxBodyBytes, Files.Count: 0 } && body.FirstByte == '{';

    private static bool IsJson(string? contentType) => contentType?.StartsWith("application/json", StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>Nobody in this process looks at what is recorded, or has a say in it.</summary>
    private static bool MayGo(LiveSpan span, OpenAIAutologOptions options) =>
        options.Capture != CaptureMode.Metadata && !span.IsWithoutContent && span.EndedAttributeSpan.IsEmpty && !(SpanMirror.Any && SpanMirror.ActivityOf(span) is not null)
        && span.Trace.Outlet is { Processing: not { IsOn: true }, Privacy.OnlyScrubs: true };
}
