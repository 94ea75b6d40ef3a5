namespace MLflow;

/// <summary>Says what is kept of a body while it passes.</summary>
internal interface IBodyFilter
{
    /// <summary>Of a form whose files are left out: what was seen of each that passed whole, in their order.</summary>
    IReadOnlyList<FilePart> Files { get; }

    /// <summary>Takes the next bytes of the body.</summary>
    /// <returns>What is to be kept of the bytes so far; valid until the next call.</returns>
    ReadOnlySpan<byte> Pass(ReadOnlySpan<byte> bytes);

    /// <summary>Nothing follows.</summary>
    /// <returns>What is to be kept of what was held back.</returns>
    ReadOnlySpan<byte> End();
}
