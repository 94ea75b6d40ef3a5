namespace MLflow.Cli.Traces.Import;

/// <summary>What is imported, one piece after the other: each is JSON with one or more traces, or with spans.</summary>
internal interface ITraceLines
{
    /// <summary>What a piece is called where one is named.</summary>
    string Piece { get; }

    /// <returns>The next piece, valid until the next call; null at the end.</returns>
    /// <exception cref="FormatException">It cannot be read.</exception>
    ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken cancellationToken);
}
