using System.Globalization;

namespace MLflow.Benchmarks.Server;

/// <summary>Measures the server as a process of its own, in parts; all of them where none is named.</summary>
internal static class ServerBenchmark
{
    public const string Usage = "server [ingest | steady | compression | bytes | large | memory | reads [TRACES] [sqlite | postgres]]";

    private const int DefaultTraces = 100_000;

    public static async Task<int> RunAsync(string[] arguments)
    {
        var part = arguments.FirstOrDefault();
        switch (part)
        {
            case "ingest":
                await IngestPart.RunAsync(rounds: 5);
                break;
            case "steady":
                await IngestPart.RunSteadyAsync();
                break;
            case "compression":
                await CompressionPart.RunAsync();
                break;
            case "bytes":
                await BytesPart.RunAsync();
                break;
            case "large":
                await LargePart.RunAsync();
                break;
            case "memory":
                await MemoryPart.RunAsync();
                break;
            case "reads":
                var traces = arguments.Length > 1 ? int.Parse(arguments[1], CultureInfo.InvariantCulture) : DefaultTraces;
                await ReadsPart.RunAsync(traces, arguments.Length > 2 ? arguments[2] : null);
                break;
            case null:
                foreach (var each in (string[])["compression", "bytes", "ingest", "large", "memory", "reads"])
                {
                    await RunAsync([each]);
                }

                break;
            default:
                Console.Error.WriteLine("usage: " + Usage);
                return 2;
        }

        return 0;
    }
}
