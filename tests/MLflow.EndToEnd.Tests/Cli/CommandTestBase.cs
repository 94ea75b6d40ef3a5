using MLflow.EndToEnd.Tests.Client;

namespace MLflow.EndToEnd.Tests.Cli;

/// <summary>A server on loopback, a client that traces to it, and commands as processes of their own.</summary>
public abstract class CommandTestBase : ClientTestBase
{
    private protected TemporaryFolder Folder { get; } = new();

    /// <summary>Runs a command that knows the server from the environment.</summary>
    private protected Task<CommandResult> RunAsync(params string[] arguments) => RunAsync([("MLFLOW_TRACKING_URI", Address)], arguments);

    private protected async Task<CommandResult> RunAsync((string Name, string Value)[] environment, params string[] arguments)
    {
        await using var process = CliProcess.Mlflow(Folder.Path, arguments, environment);
        var exitCode = await process.WaitAsync(Token);
        return new CommandResult(exitCode, process.Output, process.Errors);
    }

    private protected async Task<string> ExperimentIdAsync(string name = "mine") => (await Client.GetExperimentByNameAsync(name, Token))!.ExperimentId;

    protected override ValueTask EndAsync()
    {
        Folder.Dispose();
        return ValueTask.CompletedTask;
    }
}
