namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>Something in which a stored trace is not as the recorded exchange.</summary>
/// <param name="Recording">The exchange.</param>
/// <param name="What">What differs: <c>inputs</c>, <c>outputs</c>, <c>usage</c>, …</param>
/// <param name="Expected">What an independent reading of the recording says.</param>
/// <param name="Stored">What the trace says.</param>
public sealed record ExchangeDifference(Recording Recording, string What, string? Expected, string? Stored)
{
    /// <summary>The package stopped to read because it did not understand what came.</summary>
    public bool IsCutByPackage { get; init; }

    public override string ToString() => $"{Recording.Id} ({Recording.Operation}): {What}: expected {Short(Expected)}, stored {Short(Stored)}";

    private static string Short(string? text) => text is null ? "nothing" : text.Length > 700 ? text[..700] + "…" : text;
}
