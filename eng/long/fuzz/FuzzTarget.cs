namespace MLflow.Fuzz;

/// <summary>Something that reads what a stranger wrote.</summary>
/// <param name="Name">As the report names it.</param>
/// <param name="Seeds">Inputs to begin with.</param>
/// <param name="Run">Reads one input, and throws where the reader breaks a promise. What it may throw, it catches itself.</param>
/// <param name="Mutate">Makes another input of one.</param>
internal sealed record FuzzTarget(string Name, IReadOnlyList<byte[]> Seeds, Action<byte[]> Run, Func<Random, byte[], byte[], byte[]> Mutate)
{
    /// <summary>Other threads work for it, so that counts of edges differ from run to run.</summary>
    public bool IsNoisy { get; init; }
}
