using MLflow.Tests.Client;

namespace MLflow.Tests;

internal static class Program
{
    /// <summary>Runs the tests, or, with the child's argument, a program that traces and ends in some way.</summary>
    public static int Main(string[] args)
    {
        if (args is [ExitingProgram.Argument, var ending])
        {
            return ExitingProgram.Run(ending);
        }

        return args.Any(a => a is "--server" or "--internal-msbuild-node")
            ? Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(args, MLflow.Sdk.Tests.SelfRegisteredExtensions.AddSelfRegisteredExtensions).GetAwaiter().GetResult()
            : Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args).GetAwaiter().GetResult();
    }
}
