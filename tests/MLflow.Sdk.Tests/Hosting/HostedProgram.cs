using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace MLflow.Tests.Hosting;

/// <summary>A program that uses the static face for itself and runs a host beside it. It runs in a process of its own, since the face is the process's.</summary>
internal static class HostedProgram
{
    public const string Argument = "--program-with-host";

    public static int Run(string ownServer, string hostServer)
    {
        Mlflow.SetTrackingUri(ownServer);
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddMlflowTracing(o => o.TrackingUri = hostServer);
        using (var host = builder.Build())
        {
            host.Start();
            var client = host.Services.GetRequiredService<MlflowClient>();
            Mlflow.StartSpan("program").Dispose();
            client.StartSpan("host, injected").Dispose();
            using (Mlflow.UseClient(client))
            {
                Mlflow.StartSpan("host, by the face").Dispose();
            }

            host.StopAsync().GetAwaiter().GetResult();
        }

        return 0;
    }

    public static Process Start(string ownServer, string hostServer, string otlpEndpoint) =>
        Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [Argument, ownServer, hostServer]) { RedirectStandardError = true, Environment = { ["OTEL_EXPORTER_OTLP_ENDPOINT"] = otlpEndpoint } })!;
}
