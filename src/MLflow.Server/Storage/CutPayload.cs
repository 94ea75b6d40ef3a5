namespace MLflow.Server.Storage;

/// <summary>A payload in parts, each compressed.</summary>
/// <param name="Cuts">What was cut out, with its place and its length in the whole.</param>
/// <param name="Rest">All else.</param>
/// <param name="IsRestLarge">Whether the rest goes to the blob store, too.</param>
internal sealed record CutPayload(IReadOnlyList<(int Offset, int Length, byte[] Content)> Cuts, byte[] Rest, bool IsRestLarge)
{
    /// <summary>What goes to the blob store.</summary>
    public IEnumerable<byte[]> Contents => Cuts.Select(cut => cut.Content).Concat(IsRestLarge ? [Rest] : []);
}
