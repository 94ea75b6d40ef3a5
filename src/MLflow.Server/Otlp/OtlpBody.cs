using System.IO.Compression;

namespace MLflow.Server.Otlp;

/// <summary>Reads the body of an OTLP request, decompressed and bounded.</summary>
internal static class OtlpBody
{
    private const int BufferBytes = 64 * 1024;

    public static async Task<MemoryStream> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var encoding = request.Headers.ContentEncoding.ToString().Trim().ToLowerInvariant();
        if (encoding is not ("" or "gzip" or "deflate"))
        {
            throw new OtlpException(StatusCodes.Status400BadRequest, $"Unsupported Content-Encoding: {encoding}");
        }

        var body = new MemoryStream((int)Math.Min(request.ContentLength ?? 0, OtlpLimits.MaxBodyBytes));
        await CopyAsync(request.Body, body, OtlpLimits.MaxBodyBytes, "sent", cancellationToken).ConfigureAwait(false);
        body.Position = 0;
        if (encoding.Length == 0)
        {
            return body;
        }

        try
        {
            await using var decompressed = Decompress(body, encoding);
            var target = new MemoryStream((int)Math.Min(body.Length * 4, OtlpLimits.MaxBodyBytes));
            await CopyAsync(decompressed, target, OtlpLimits.MaxDecompressedBytes, "decompressed", cancellationToken).ConfigureAwait(false);
            target.Position = 0;
            return target;
        }
        catch (InvalidDataException e)
        {
            throw new OtlpException(StatusCodes.Status400BadRequest, $"Failed to decompress {encoding} payload", e);
        }
    }

    private static Stream Decompress(MemoryStream body, string encoding)
    {
        if (encoding == "gzip")
        {
            return new GZipStream(body, CompressionMode.Decompress);
        }

        // HTTP's deflate is zlib, but some clients send it without the frame (RFC 9110 §8.4.1.2). A zlib header is a multiple of 31.
        var bytes = body.GetBuffer();
        var zlib = body.Length >= 2 && (bytes[0] & 0x0F) == 8 && ((bytes[0] << 8) | bytes[1]) % 31 == 0;
        return zlib ? new ZLibStream(body, CompressionMode.Decompress) : new DeflateStream(body, CompressionMode.Decompress);
    }

    private static async Task CopyAsync(Stream from, MemoryStream to, int limit, string what, CancellationToken cancellationToken)
    {
        var buffer = new byte[BufferBytes];
        int read;
        while ((read = await from.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            if (to.Length + read > limit)
            {
                throw new OtlpException(
                    StatusCodes.Status413PayloadTooLarge,
                    $"The request has more than {limit} bytes {what}, which is the most that is taken at once. Send smaller batches.");
            }

            to.Write(buffer, 0, read);
        }
    }
}
