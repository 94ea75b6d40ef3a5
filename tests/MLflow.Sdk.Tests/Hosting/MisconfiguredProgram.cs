using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace MLflow.Tests.Hosting;

/// <summary>A program whose own settings are wrong and whose host has better ones, with what the build weaves into its methods.</summary>
internal static class MisconfiguredProgram
{
    public const string Argument = "--program-with-bad-settings";

    public static int Run(string hostServer)
    {
        Call("before");
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddMlflowTracing(o => (o.TrackingUri, o.Autolog) = (hostServer, false));
        using (var host = builder.Build())
        {
            host.Start();
            Call("in the host");
            host.StopAsync().GetAwaiter().GetResult();
            Call("after");
            using (Mlflow.UseClient(host.Services.GetRequiredService<MlflowClient>()))
            {
                Call("in the host's flow");
            }

            Call("at the end");
        }

        return 0;
    }

    public static Process Start(string hostServer) =>
        Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [Argument, hostServer]) { RedirectStandardError = true, Environment = { ["MLFLOW_TRACKING_URI"] = "no address" } })!;

    private static void Call(string name)
    {
        var method = new TracedMethod(name, SpanType.Unknown, name, capturesOutput: true, null, null, null);
        var span = TracedCall.IsOn ? TracedCall.Begin(method, null) : null;
        if (span is not null)
        {
            TracedCall.End(span);
        }

        var sum = TracedCall.Iterate(Enumerable.Range(1, 2).Select(number => number), method, null).Sum();
        if (sum != 3)
        {
            throw new InvalidOperationException($"The sum is {sum}.");
        }
    }
}
