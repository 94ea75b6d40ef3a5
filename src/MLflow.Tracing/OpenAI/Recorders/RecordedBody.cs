namespace MLflow;

/// <summary>A body as a recorder gets it.</summary>
internal readonly ref struct RecordedBody
{
    public RecordedBody(ReadOnlySpan<byte> bytes, string? contentType = null, long totalBytes = -1)
    {
        Bytes = bytes;
        ContentType = contentType;
        TotalBytes = totalBytes < 0 ? bytes.Length : totalBytes;
    }

    /// <summary>What was kept of the body.</summary>
    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>Value of the <c>Content-Type</c> header; null when there was none.</summary>
    public string? ContentType { get; }

    /// <summary>Of a form whose files were left out while it passed: what was seen of each, in their order.</summary>
    public IReadOnlyList<FilePart> Files { get; init; } = [];

    /// <summary>Bytes that passed, kept or not.</summary>
    public long TotalBytes { get; }

    /// <summary>True when bytes were left out because of a limit.</summary>
    public bool IsCut => TotalBytes > Bytes.Length;

    public static implicit operator RecordedBody(ReadOnlySpan<byte> bytes) => new(bytes);

    public static implicit operator RecordedBody(byte[] bytes) => new(bytes);

    /// <summary>True when the content type is the given one, whatever its parameters.</summary>
    public bool IsOfType(string mediaType) => ContentType is not null
        && ContentType.StartsWith(mediaType, StringComparison.OrdinalIgnoreCase)
        && (ContentType.Length == mediaType.Length || ContentType[mediaType.Length] is ';' or ' ');
}
