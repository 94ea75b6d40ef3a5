using System.Diagnostics;
using System.Globalization;

namespace MLflow.Fuzz;

/// <summary>
/// Fuzzes what reads the input of others, led by coverage: <c>MLflow.Fuzz 60</c> for an hour, <c>MLflow.Fuzz 5 filters</c> for five minutes of one target.
/// It writes a table at the end, and exits with 1 where it found something.
/// </summary>
internal static class Program
{
    /// <summary>As small as a thread's may be where the readers run, so that what recurses too deep is found.</summary>
    private const int StackBytes = 1 << 20;

    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(5);

    public static int Main(string[] args)
    {
        var minutes = double.Parse(args.ElementAtOrDefault(0) ?? "60", CultureInfo.InvariantCulture);
        var map = new CoverageMap();
        var found = 0;
        var thread = new Thread(() => found = Run(TimeSpan.FromMinutes(minutes), args.ElementAtOrDefault(1) ?? "", map), StackBytes);
        thread.Start();
        thread.Join();
        return found == 0 ? 0 : 1;
    }

    private static int Run(TimeSpan time, string name, CoverageMap map)
    {
        var start = Stopwatch.GetTimestamp();
        var folder = Directory.CreateDirectory(Path.Combine("artifacts", "fuzz"));
        var server = new ServerTargets();
        var fuzzers = server.All.Concat(CliTargets.All).Concat(SdkTargets.All).Where(target => target.Name.Contains(name, StringComparison.OrdinalIgnoreCase)).Select(target => new Fuzzer(target, map, seed: Environment.TickCount, folder)).ToList();
        while (Stopwatch.GetElapsedTime(start) < time)
        {
            fuzzers.ForEach(fuzzer => fuzzer.Run(Turn));
        }

        Console.WriteLine("| reads | inputs tried | kept | edges | findings |");
        Console.WriteLine("|---|---|---|---|---|");
        foreach (var fuzzer in fuzzers)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {fuzzer.Name} | {fuzzer.Runs:N0} | {fuzzer.Kept:N0} | {fuzzer.Edges:N0} | {fuzzer.Findings.Count} |"));
        }

        Console.WriteLine();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{fuzzers.Sum(fuzzer => fuzzer.Runs):N0} inputs in {Stopwatch.GetElapsedTime(start).TotalMinutes:F0} minutes, {map.Edges:N0} edges, {fuzzers.Sum(fuzzer => fuzzer.Findings.Count)} findings."));
        server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        return fuzzers.Sum(fuzzer => fuzzer.Findings.Count);
    }
}
