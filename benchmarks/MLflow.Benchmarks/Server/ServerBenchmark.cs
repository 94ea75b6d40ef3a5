namespace MLflow.Benchmarks.Server;

/// <summary>Measures the server as a process of its own, in parts.</summary>
internal static class ServerBenchmark
{
    public const string Usage = "server [ingest | compression | bytes]";

    public static async Task<int> RunAsync(ReadOnlyMemory<string> arguments)
    {
        var part = arguments.IsEmpty ? null : arguments.Span[0];
        if (part is null or "ingest")
        {
            await IngestPart.RunAsync(rounds: 5);
        }

        if (part is null or "compression")
        {
            await CompressionPart.RunAsync();
        }

        if (part is null or "bytes")
        {
            await BytesPart.RunAsync();
        }

        return 0;
    }
}
