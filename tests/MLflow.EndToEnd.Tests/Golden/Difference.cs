namespace MLflow.EndToEnd.Tests.Golden;

/// <summary>A place in which our trace is not as real MLflow's.</summary>
/// <param name="Case">The golden case.</param>
/// <param name="Path">Where, with <c>[]</c> for any index.</param>
/// <param name="Theirs">JSON text of real MLflow's value; null where it has none.</param>
/// <param name="Ours">JSON text of our value; null where we have none.</param>
public sealed record Difference(string Case, string Path, string? Theirs, string? Ours)
{
    public override string ToString() => $"{Case}: {Path}: MLflow {Short(Theirs)}, we {Short(Ours)}";

    private static string Short(string? json) => json is null ? "nothing" : json.Length > 160 ? json[..160] + "…" : json;
}
