using System.Buffers.Text;

namespace MLflow.Benchmarks.Gateway;

/// <summary>Where a message of HTTP/1.1 with a length ends.</summary>
internal static class HttpText
{
    /// <returns>Headers and body; null where the headers have not come whole.</returns>
    public static int? Length(ReadOnlySpan<byte> message)
    {
        var headers = message.IndexOf("\r\n\r\n"u8);
        if (headers < 0)
        {
            return null;
        }

        var at = message.IndexOf("Content-Length: "u8);
        return at >= 0 && at < headers && Utf8Parser.TryParse(message[(at + "Content-Length: ".Length)..], out int length, out _)
            ? headers + 4 + length
            : throw new InvalidOperationException("The benchmark reads messages with a Content-Length only: " + System.Text.Encoding.Latin1.GetString(message[..headers]));
    }
}
