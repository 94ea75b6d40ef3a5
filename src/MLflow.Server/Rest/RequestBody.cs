namespace MLflow.Server.Rest;

/// <summary>Reads a body whole, within a bound.</summary>
internal static class RequestBody
{
    /// <summary>The setting that bounds bodies of any kind.</summary>
    public const string AnyBody = "--max-body-bytes";

    /// <summary>The setting that bounds calls in JSON.</summary>
    public const string JsonBody = "--max-json-bytes";

    private const int BufferBytes = 16 * 1024;

    public static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpRequest request, int maxBytes, string setting, CancellationToken cancellationToken)
    {
        var body = new MemoryStream((int)Math.Min(request.ContentLength ?? 0, maxBytes));
        var buffer = new byte[BufferBytes];
        int read;
        while ((read = await request.Body.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            if (body.Length + read > maxBytes)
            {
                throw TooLong(maxBytes, setting);
            }

            body.Write(buffer, 0, read);
        }

        return body.GetBuffer().AsMemory(0, (int)body.Length);
    }

    public static MlflowException TooLong(int maxBytes, string setting) =>
        new(ErrorCode.BAD_REQUEST, $"The request's body has more than {maxBytes} bytes, which is the most that is taken at once ({setting}).");
}
