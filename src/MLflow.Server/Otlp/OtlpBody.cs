using System.Buffers;

namespace MLflow.Server.Otlp;

/// <summary>The body of an OTLP request over HTTP, decompressed and bounded. Its memory is the request's until it is disposed.</summary>
internal sealed class OtlpBody : IDisposable
{
    /// <summary>What is too large, with its setting.</summary>
    public const string Sent = "sent (--max-body-bytes)";
    public const string Decompressed = "decompressed (--max-decompressed-bytes)";

    private const int MinBufferBytes = 4 * 1024;

    /// <summary>Larger ones are rare, and would be kept for long.</summary>
    private const int MaxPooledBytes = 4 * 1024 * 1024;

    /// <summary>Bytes for which there is room at once where a client announces them, before they are there.</summary>
    private const int MaxTrustedBytes = 256 * 1024;

    private readonly OtlpShare _share;

    // Of a pool: bodies are large enough that the collector of garbage would look at everything after some hundreds of them.
    private byte[] _buffer = [];

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
            await body.ReadAsync(request.Body, (int)Math.Min(request.ContentLength ?? 0, MaxTrustedBytes), budget.Limits.MaxBodyBytes, Sent, cancellationToken).ConfigureAwait(false);
            if (encoding is not ("" or "identity"))
            {
                await body.DecompressAsync(encoding, budget.Limits.MaxDecompressedBytes, cancellationToken).ConfigureAwait(false);
            }

            return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _share.Dispose();
        Bytes = default;
        Return(_buffer);
        _buffer = [];
    }

    private async Task DecompressAsync(string encoding, int limit, CancellationToken cancellationToken)
    {
        var (sent, length) = (_buffer, Bytes.Length);
        _buffer = [];
        try
        {
            await using var decompressed = OtlpCompression.Open(encoding, new MemoryStream(sent, 0, length));
            await ReadAsync(decompressed, length, limit, Decompressed, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (OtlpCompression.IsDamage(e))
        {
            throw new OtlpException(StatusCodes.Status400BadRequest, $"Failed to decompress {encoding} payload", e);
        }
        finally
        {
            Return(sent);
        }
    }

    private async Task ReadAsync(Stream from, int capacity, int limit, string what, CancellationToken cancellationToken)
    {
        _buffer = Rent(Math.Max(capacity, MinBufferBytes));
        var length = 0;
        int read;
        while ((read = await from.ReadAsync(_buffer.AsMemory(length), cancellationToken).ConfigureAwait(false)) > 0)
        {
            if (length + read > limit)
            {
                throw OtlpException.TooLarge(limit, what);
            }

            _share.Take(read);
            length += read;
            if (length == _buffer.Length)
            {
                var larger = Rent(2 * length);
                _buffer.AsSpan(0, length).CopyTo(larger);
                Return(_buffer);
                _buffer = larger;
            }
        }

        Bytes = _buffer.AsMemory(0, length);
    }

    private static byte[] Rent(int bytes) => bytes <= MaxPooledBytes ? ArrayPool<byte>.Shared.Rent(bytes) : GC.AllocateUninitializedArray<byte>(bytes);

    private static void Return(byte[] buffer)
    {
        if (buffer.Length <= MaxPooledBytes)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
