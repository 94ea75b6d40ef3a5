namespace MLflow;

/// <summary>
/// Which of the traces that chance left out are kept after all, once their end is known. Until then they are recorded like all others, and their spans wait in memory.
/// </summary>
internal sealed class TailSampling
{
    /// <summary>Memory that spans of undecided traces may take, roughly counted. Beyond it a trace is decided at once, by what is known of it, and no further ones begin.</summary>
    public const long MaxHeldBytes = 32 << 20;

    private long _heldBytes;

    /// <summary>Keep traces that end in an error.</summary>
    public bool KeepsErrors { get; init; }

    /// <summary>Keep traces that took at least that long. Null: time does not matter.</summary>
    public TimeSpan? KeepsSlowerThan { get; init; }

    public bool IsFull => Interlocked.Read(ref _heldBytes) > MaxHeldBytes;

    public void Hold(long bytes) => Interlocked.Add(ref _heldBytes, bytes);

    public void Release(long bytes) => Interlocked.Add(ref _heldBytes, -bytes);

    public bool Keeps(bool isError, TimeSpan duration) => (KeepsErrors && isError) || duration >= KeepsSlowerThan;
}
