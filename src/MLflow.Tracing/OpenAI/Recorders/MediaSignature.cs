namespace MLflow;

/// <summary>Tells the kind of a file by its first bytes.</summary>
internal static class MediaSignature
{
    /// <summary>The content type, or null.</summary>
    public static string? ContentTypeOf(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > 1 && bytes[0] == 0x89 && bytes[1..].StartsWith("PNG"u8))
        {
            return "image/png";
        }

        if (bytes.Length > 2 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF)
        {
            return "image/jpeg";
        }

        if (bytes.StartsWith("GIF8"u8))
        {
            return "image/gif";
        }

        if (bytes.StartsWith("RIFF"u8) && bytes.Length >= 12)
        {
            return bytes[8..].StartsWith("WEBP"u8) ? "image/webp" : bytes[8..].StartsWith("WAVE"u8) ? "audio/wav" : null;
        }

        if (bytes.StartsWith("%PDF-"u8))
        {
            return "application/pdf";
        }

        if (bytes.StartsWith("ID3"u8) || (bytes.Length > 1 && bytes[0] == 0xFF && (bytes[1] & 0xE6) == 0xE2))
        {
            return "audio/mpeg";
        }

        if (bytes.StartsWith("OggS"u8))
        {
            return "audio/ogg";
        }

        if (bytes.StartsWith("fLaC"u8))
        {
            return "audio/flac";
        }

        return bytes.Length >= 8 && bytes[4..].StartsWith("ftyp"u8) ? "video/mp4" : null;
    }
}
