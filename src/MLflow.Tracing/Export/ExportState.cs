namespace MLflow;

/// <summary>Which counter of <see cref="FlushResult"/> a trace is in.</summary>
internal enum ExportState : byte
{
    /// <summary>The exporter has not seen it.</summary>
    None,
    Pending,
    Exported,

    /// <summary>On the disk.</summary>
    Spooled,
    Dropped,
}
