using System.Diagnostics;

namespace MLflow.Tests.Export;

/// <summary>A program that traces while its server is away, says when all is on the disk, sends it when it is told, and goes on until it is killed.</summary>
internal static class SpoolingProgram
{
    public const string Argument = "--spooling-program";
    public const string Ready = "ready";
    public const int Traces = 25;

    public static Process Start(string address, string folder) => Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [Argument, address, folder])
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;

    public static int Run(string address, string folder)
    {
        var client = new MlflowClient(new MlflowClientOptions { TrackingUri = address, SpoolDirectory = folder });
        for (var i = 0; i < Traces; i++)
        {
            using var span = client.StartSpan("before the end");
            span.SetInputs(new { i });
        }

        while (client.FlushAsync().GetAwaiter().GetResult().Spooled < Traces)
        {
            Thread.Yield();
        }

        Console.WriteLine(Ready);
        Console.ReadLine();
        client.FlushAsync().GetAwaiter().GetResult();
        Thread.Sleep(Timeout.Infinite);
        return 0;
    }
}
