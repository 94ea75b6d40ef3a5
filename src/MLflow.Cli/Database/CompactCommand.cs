using System.CommandLine;
using MLflow.Server;

namespace MLflow.Cli.Database;

/// <summary><c>mlflow db compact</c></summary>
internal sealed class CompactCommand : Command
{
    private readonly Option<string> _storeUri = DatabaseCommand.StoreUri();

    public CompactCommand()
        : base("compact", "Gives the space that deleted traces left back to the disk.")
    {
        Add(_storeUri);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var (before, after) = await MlflowDatabase.CompactAsync(parsed.GetRequiredValue(_storeUri), cancellationToken);
        await Console.Out.WriteLineAsync($"{ByteSize.Text(before)} before, {ByteSize.Text(after)} after");
        return 0;
    }
}
