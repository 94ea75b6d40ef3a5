using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;

namespace MLflow.Tests.Export;

/// <summary>A program whose server is away and whose disk is full, or read-only, before it has traced half of its work. It says what became of the traces, and then sends what the disk has.</summary>
internal static class FullDiskProgram
{
    public const string Argument = "--full-disk-program";
    public const string SegmentArgument = "--full-disk-segment";
    public const int SegmentTries = 3;
    public const int Early = 20;
    public const int Late = 400;

    /// <summary>What one trace takes on the disk, and a little more.</summary>
    public const int TraceBytes = (2 * ValueBytes) + 1000;

    private const int ValueBytes = 2500;

    public static Process Start(IReadOnlyList<string> command, string address, string folder) =>
        Process.Start(new ProcessStartInfo(command[0], [.. command.Skip(1), Environment.ProcessPath!, Argument, address, folder])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;

    /// <summary>Starts a program that makes new files on a disk which is full from the start.</summary>
    public static Process StartSegments(IReadOnlyList<string> command, string folder) =>
        Process.Start(new ProcessStartInfo(
            command[0],
            [.. command.Skip(1), "sh", "-c", "cat /dev/zero > \"$0/filler\" 2> /dev/null; exec \"$@\"", folder, Environment.ProcessPath!, SegmentArgument, folder])
        {
            RedirectStandardOutput = true,
        })!;

    /// <summary>Says how many files could not be made, how many are there, and how many the program has open.</summary>
    public static int RunSegments(string folder)
    {
        var refused = 0;
        for (var i = 0; i < SegmentTries; i++)
        {
            try
            {
                SpoolSegment.Create(Path.Combine(folder, i + TraceSpool.Extension), "http://127.0.0.1", DateTimeOffset.UnixEpoch, 0);
            }
            catch (IOException)
            {
                refused++;
            }
        }

        var open = new DirectoryInfo("/proc/self/fd").GetFiles().Count(file => file.LinkTarget?.StartsWith(folder, StringComparison.Ordinal) == true);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{refused} {Directory.GetFiles(folder, "*" + TraceSpool.Extension).Length} {open}"));
        return 0;
    }

    public static int Run(string address, string folder)
    {
        var log = new RecordingLog();
        var client = new MlflowClient(new MlflowClientOptions { TrackingUri = address, SpoolDirectory = Path.Combine(folder, "spool"), LoggerFactory = log });
        var sum = Work(client, 0, Early);
        while (client.FlushAsync().GetAwaiter().GetResult().Spooled < Early && !IsRefused())
        {
            Thread.Yield();
        }

        sum += Work(client, Early, Late);
        while (!IsRefused())
        {
            client.FlushAsync().GetAwaiter().GetResult();
        }

        client.DisposeAsync().AsTask().GetAwaiter().GetResult();
        var result = client.FlushAsync().GetAwaiter().GetResult();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{sum} {result.Exported} {result.Pending} {result.Spooled} {result.Dropped} {result.DroppedBy.Values.Sum()} {client.QueuedBytes + client.KeptExports}"));

        // The server is there now.
        Console.ReadLine();
        Console.WriteLine(SpoolImport.SendAsync(Path.Combine(folder, "spool"), address, new Uri(address), CancellationToken.None).GetAwaiter().GetResult().Recovered);
        return 0;

        bool IsRefused() => log.Lines.Any(line => line.Contains("cannot be put into the spool", StringComparison.Ordinal));
    }

    /// <summary>The program's own work, of which tracing must change nothing.</summary>
    private static int Work(MlflowClient client, int from, int count)
    {
        var sum = 0;
        for (var i = from; i < from + count; i++)
        {
            using var span = client.StartSpan("work");
            span.SetInputs(Convert.ToHexString(RandomNumberGenerator.GetBytes(ValueBytes)));
            sum += i;
        }

        return sum;
    }
}
