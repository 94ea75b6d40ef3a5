namespace MLflow.AspNetCore.Tests;

internal static class Program
{
    /// <summary>Runs the tests, or, with a child's argument, a program that a test runs in a process of its own.</summary>
    public static int Main(string[] args)
    {
        if (args is [MisconfiguredApplication.Argument])
        {
            return MisconfiguredApplication.Run();
        }

        return args.Any(a => a is "--server" or "--internal-msbuild-node")
            ? Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions).GetAwaiter().GetResult()
            : Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args).GetAwaiter().GetResult();
    }
}
