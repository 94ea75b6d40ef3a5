using System.Diagnostics;
using Microsoft.AspNetCore.Builder;

namespace MLflow.AspNetCore.Tests;

/// <summary>An application without a host's client whose process has wrong settings. In a process of its own, since the settings are the process's.</summary>
internal static class MisconfiguredApplication
{
    public const string Argument = "--application-with-bad-settings";

    public static int Run()
    {
        try
        {
            WebApplication.CreateBuilder().Build().UseMlflowTracing();
            return 0;
        }
        catch (ArgumentException e)
        {
            Console.Error.WriteLine(e.Message);
            return 3;
        }
    }

    public static Process Start() =>
        Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [Argument]) { RedirectStandardError = true, Environment = { ["MLFLOW_TRACKING_URI"] = "no address" } })!;
}
