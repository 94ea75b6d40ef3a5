using System.Text;
using System.Text.Json;
using MLflow.Cli.Commands;
using MLflow.Cli.Traces;
using MLflow.Cli.Traces.Import;
using MLflow.Cli.Traces.Parquet;

namespace MLflow.Fuzz;

/// <summary>What the command line reads of files that others may have written.</summary>
internal static class CliTargets
{
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("Parquet files", [Parquet()], ReadParquet, ByteMutations.Mutate) { IsNoisy = true },
        new("lines of traces", [.. TraceSeeds.TracesJson.Select(Line), .. TraceSeeds.OtlpTraces], ReadLine, TextMutations.Mutate),
    ];

    private static void ReadParquet(byte[] input)
    {
        try
        {
            using var file = new MemoryStream(input);
            var lines = ParquetTraceLines.OpenAsync(file, "fuzz.parquet", CancellationToken.None).GetAwaiter().GetResult();
            while (lines.ReadAsync(CancellationToken.None).AsTask().GetAwaiter().GetResult() is { } line)
            {
                JsonDocument.Parse(line, TraceDocument.ReaderOptions).Dispose();
            }
        }
        catch (CommandException)
        {
            // A refusal, as promised.
        }
    }

    private static void ReadLine(byte[] input)
    {
        try
        {
            using var piece = ImportPiece.Read(input, takesRequests: true);
            if (piece.Traces is null)
            {
                OtlpProtobuf.Convert(piece.Root);
            }
        }
        catch (Exception e) when (e is FormatException or InvalidOperationException or OverflowException)
        {
            // What names the line.
        }
    }

    private static byte[] Line(byte[] tracesJson) => Encoding.UTF8.GetBytes($"{{\"info\":{{\"trace_id\":\"tr-1\"}},\"data\":{Encoding.UTF8.GetString(tracesJson).ReplaceLineEndings("")}}}");

    private static byte[] Parquet()
    {
        const string line = """
            {"info":{"trace_id":"tr-1","state":"OK","tags":{"a":"b"}},"data":{"spans":[{"trace_id":"00000000000000000000000000000001","span_id":"0000000000000001","name":"s",
            "start_time_unix_nano":1,"end_time_unix_nano":2,"status":{"code":"STATUS_CODE_OK"},"attributes":{"mlflow.spanInputs":"{\"q\":1}","n":"1"},"events":[{"name":"e","time_unix_nano":1}],"links":[]}]}}
            """;
        using var file = new MemoryStream();
        var writer = ParquetTraceWriter.CreateAsync(file, CancellationToken.None).GetAwaiter().GetResult();
        writer.WriteAsync(TraceDocument.ReadAll(JsonElement.Parse(line))[0], CancellationToken.None).GetAwaiter().GetResult();
        writer.FinishAsync(CancellationToken.None).GetAwaiter().GetResult();
        writer.DisposeAsync().AsTask().GetAwaiter().GetResult();
        return file.ToArray();
    }
}
