using System.Buffers;

namespace MLflow.Server.Otlp;

/// <summary>The body of an OTLP request over HTTP, decompressed and bounded. Its memory is the request's until it is disposed.</summary>
internal sealed class OtlpBody : IDisposable
{
    /// <summary>What is too large, with its setting.</summary>
    public const string Sent = "sent (--max-body-bytes)";
    public const string Decompressed = "decompressed (--max-decompressed-bytes)";

    private const int BufferBytes = 64 * 1024;

    /// <summary>Bytes for which there is room at once where a client announces them, before they are there.</summary>
    private const int MaxTrustedBytes = 256 * 1024;

    private readonly OtlpShare _share;

    private OtlpBody(OtlpBudget budget) => _share = new OtlpShare(budget);

    public ReadOnlyMemory<byte> Bytes { get; private set; }

    /// <exception cref="OtlpException">Too large, compressed in a way that is not known, or damaged.</exception>
    public static async Task<OtlpBody> ReadAsync(HttpRequest request, OtlpBudget budget, CancellationToken cancellationToken)
    {
        var encoding = request.Headers.ContentEncoding.ToString().Trim().ToLowerInvariant();
        if (encoding is not ("" or "identity") && !OtlpCompression.IsKnown(encoding))
        {
            throw new OtlpException(StatusCodes.Status400BadRequest, $"Unsupported Content-Encoding: {encoding}");
        }

        var body = new OtlpBody(budget);
        try
        {
            var sent = await body.CopyAsync(request.Body, (int)Math.Min(request.ContentLength ?? 0, MaxTrustedBytes), budget.Limits.MaxBodyBytes, Sent, cancellationToken).ConfigureAwait(false);
            if (encoding is not ("" or "identity"))
            {
                sent = await body.DecompressAsync(sent, encoding, budget.Limits.MaxDecompressedBytes, cancellationToken).ConfigureAwait(false);
            }

            body.Bytes = sent.GetBuffer().AsMemory(0, (int)sent.Length);
            return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    public void Dispose() => _share.Dispose();

    private async Task<MemoryStream> DecompressAsync(MemoryStream sent, string encoding, int limit, CancellationToken cancellationToken)
    {
        try
        {
            await using var decompressed = OtlpCompression.Open(encoding, sent);
            return await CopyAsync(decompressed, (int)sent.Length, limit, Decompressed, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (OtlpCompression.IsDamage(e))
        {
            throw new OtlpException(StatusCodes.Status400BadRequest, $"Failed to decompress {encoding} payload", e);
        }
    }

    private async Task<MemoryStream> CopyAsync(Stream from, int capacity, int limit, string what, CancellationToken cancellationToken)
    {
        var to = new MemoryStream(capacity);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            int read;
            while ((read = await from.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
            {
                if (to.Length + read > limit)
                {
                    throw OtlpException.TooLarge(limit, what);
                }

                _share.Take(read);
                to.Write(buffer, 0, read);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        to.Position = 0;
        return to;
    }
}
