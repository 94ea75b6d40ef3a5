using System.Globalization;

namespace MLflow.Benchmarks.Server;

/// <summary>Measures the server as a process of its own, in parts; all of them where none is named.</summary>
internal static class ServerBenchmark
{
    public const string Usage = "server [ingest [sqlite | postgres] | steady [sqlite | postgres] | compression | bytes [sqlite | postgres] | large [sqlite | postgres] | memory | pages [TRACES] | reads [TRACES] [sqlite | postgres]]";

    private const int DefaultTraces = 100_000;

    public static async Task<int> RunAsync(string[] arguments)
    {
        var part = arguments.FirstOrDefault();
        switch (part)
        {
            case "ingest":
                await IngestPart.RunAsync(rounds: 3, arguments.ElementAtOrDefault(1));
                break;
            case "steady":
                await IngestPart.RunSteadyAsync(arguments.ElementAtOrDefault(1));
                break;
            case "compression":
                await CompressionPart.RunAsync();
                break;
            case "bytes":
                await BytesPart.RunAsync(arguments.ElementAtOrDefault(1));
                break;
            case "large":
                await LargePart.RunAsync(arguments.ElementAtOrDefault(1));
                break;
            case "memory":
                await MemoryPart.RunAsync();
                break;
            case "pages":
                await PagesPart.RunAsync(arguments.Length > 1 ? int.Parse(arguments[1], CultureInfo.InvariantCulture) : DefaultTraces);
                break;
            case "reads":
                var traces = arguments.Length > 1 ? int.Parse(arguments[1], CultureInfo.InvariantCulture) : DefaultTraces;
                await ReadsPart.RunAsync(traces, arguments.Length > 2 ? arguments[2] : null);
                break;
            case null:
                foreach (var each in (string[])["compression", "bytes", "ingest", "large", "memory", "pages", "reads"])
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
