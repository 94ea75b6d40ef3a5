namespace MLflow;

/// <summary>A <see cref="PlainCall"/> as it came.</summary>
internal ref struct ReceivedCall
{
    public CallFacts Facts { get; set; }

    public ReadOnlySpan<byte> Request { get; set; }

    public ReadOnlySpan<byte> Response { get; set; }

    /// <inheritdoc cref="PlainCall.ClosedNs"/>
    public long ClosedNs { get; set; }

    /// <inheritdoc cref="PlainCall.TrimsMedia"/>
    public bool TrimsMedia { get; set; }

    /// <inheritdoc cref="TraceInfoWriter.OfProcess"/>
    public ReadOnlySpan<byte> OfProcess { get; set; }
}
