namespace MLflow;

/// <summary>What the exporter's worker does next.</summary>
internal enum ExportStepKind
{
    Sleep,

    /// <summary>Turns what the program handed over into bytes.</summary>
    Encode,

    Send,

    /// <summary>Asks a server who it is.</summary>
    Identify,

    /// <summary>Puts what waits for a server that is away on the disk.</summary>
    Spool,

    /// <summary>Takes from the disk what waits for a server that may be back.</summary>
    Load,
}
