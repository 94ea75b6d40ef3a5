using MLflow.EndToEnd.Tests.Client;
using MLflow.EndToEnd.Tests.Faults;

namespace MLflow.EndToEnd.Tests;

internal static class Program
{
    /// <summary>Runs the tests, or, with an argument of theirs, a program that a test runs in a process of its own.</summary>
    public static async Task<int> Main(string[] args)
    {
        switch (args)
        {
            case [CallingProgram.Argument, var service]:
                await CallingProgram.RunAsync(new Uri(service));
                return 0;
            case [ServiceProgram.Argument]:
                await ServiceProgram.RunAsync();
                return 0;
            case [DatabaseProgram.Argument, var task, var database, var spool]:
                await DatabaseProgram.RunAsync(task, database, spool);
                return 0;
            default:
                return args.Any(a => a is "--server" or "--internal-msbuild-node")
                    ? await Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions)
                    : await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);
        }
    }
}
