using System.CommandLine;
using MLflow.Cli.Commands;
using MLflow.Server;

namespace MLflow.Cli.Database;

/// <summary><c>mlflow db check</c></summary>
internal sealed class CheckCommand : Command
{
    private readonly Option<string> _storeUri = DatabaseCommand.StoreUri();

    public CheckCommand()
        : base("check", "Reads the whole database and tells what is wrong with it. Ends with exit code 1 where something is.")
    {
        Add(_storeUri);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var check = await MlflowDatabase.CheckAsync(parsed.GetRequiredValue(_storeUri), cancellationToken);
        foreach (var problem in check.Problems)
        {
            await Console.Out.WriteLineAsync(problem);
        }

        await Console.Out.WriteLineAsync($"{Count(check.Traces, "trace")} with {Count(check.Spans, "span")}: {(check.Problems.Count == 0 ? "all is well" : "restore a backup, or export what can be read")}");
        return check.Problems.Count == 0 ? ExitCodes.Done : ExitCodes.Failed;
    }

    private static string Count(long number, string what) => number == 1 ? $"1 {what}" : $"{number} {what}s";
}
