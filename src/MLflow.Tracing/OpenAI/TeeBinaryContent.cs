using System.ClientModel;

namespace MLflow;

/// <summary>Copies a request body while a pipeline sends it, for a try that HttpClient's diagnostics do not see.</summary>
internal sealed class TeeBinaryContent : BinaryContent
{
    private readonly bool _isAsync;

    public TeeBinaryContent(BinaryContent inner, LlmCall call, bool isAsync)
    {
        Call = call;
        Inner = inner;
        MediaType = inner.MediaType;
        _isAsync = isAsync;
    }

    /// <summary>The program's own content.</summary>
    public BinaryContent Inner { get; }

    public LlmCall Call { get; }

    public override bool TryComputeLength(out long length) => Inner.TryComputeLength(out length);

    public override void WriteTo(Stream stream, CancellationToken cancellationToken = default) =>
        Inner.WriteTo(Tee(stream), cancellationToken);

    public override Task WriteToAsync(Stream stream, CancellationToken cancellationToken = default) =>
        Inner.WriteToAsync(Tee(stream), cancellationToken);

    public override void Dispose() => Inner.Dispose();

    /// <summary>A transport that never asked for the body, as test doubles do. It is read now only where that changes nothing: when its length is known.</summary>
    public void CopyUnsent(LlmAttempt attempt)
    {
        attempt.RequestSerialized(_isAsync);
        if (Inner.TryComputeLength(out _))
        {
            Inner.WriteTo(new TeeWriteStream(Stream.Null, attempt.RequestBody, attempt.Clock), CancellationToken.None);
        }
    }

    private Stream Tee(Stream stream)
    {
        // The HTTP layer hears of a request before its body is asked for, and then has added a try of its own.
        if (Call.PolicyAttempt is not { } attempt || Call.LastOrNull?.Number >= attempt.Number)
        {
            return stream;
        }

        // A policy may have written the body before, to look at it.
        attempt.RestartRequestBody();
        attempt.RequestSerialized(_isAsync);
        return new TeeWriteStream(stream, attempt.RequestBody, attempt.Clock);
    }
}
