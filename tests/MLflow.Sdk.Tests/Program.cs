using MLflow.Sdk.Tests.Capture;
using MLflow.Tests.Client;
using MLflow.Tests.Export;
using MLflow.Tests.Hosting;

namespace MLflow.Tests;

internal static class Program
{
    /// <summary>Runs the tests, or, with a child's argument, a program that a test runs in a process of its own.</summary>
    public static int Main(string[] args)
    {
        if (args is [ExitingProgram.Argument, var ending])
        {
            return ExitingProgram.Run(ending);
        }

        if (args is [BlindProgram.Argument, var address])
        {
            return BlindProgram.Run(new Uri(address));
        }

        if (args is [SpoolingProgram.Argument, var tracking, var folder])
        {
            return SpoolingProgram.Run(tracking, folder);
        }

        if (args is [FullDiskProgram.Argument, var away, var disk])
        {
            return FullDiskProgram.Run(away, disk);
        }

        if (args is [FullDiskProgram.SegmentArgument, var full])
        {
            return FullDiskProgram.RunSegments(full);
        }

        if (args is [HostedProgram.Argument, var own, var hosts])
        {
            return HostedProgram.Run(own, hosts);
        }

        if (args is [MisconfiguredProgram.Argument, var server])
        {
            return MisconfiguredProgram.Run(server);
        }

        return args.Any(a => a is "--server" or "--internal-msbuild-node")
            ? Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(args, MLflow.Sdk.Tests.SelfRegisteredExtensions.AddSelfRegisteredExtensions).GetAwaiter().GetResult()
            : Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args).GetAwaiter().GetResult();
    }
}
