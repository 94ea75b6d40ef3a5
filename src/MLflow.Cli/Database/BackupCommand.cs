using System.CommandLine;
using MLflow.Server;

namespace MLflow.Cli.Database;

/// <summary><c>mlflow db backup</c></summary>
internal sealed class BackupCommand : Command
{
    private readonly Option<string> _storeUri = DatabaseCommand.StoreUri();
    private readonly Option<string> _file = new("--file", "-f") { Description = "The copy; must not exist yet.", HelpName = "FILE", Required = true };

    public BackupCommand()
        : base("backup", "Copies the database as it is at one moment. Artifacts lie in their folder and are not in the copy.")
    {
        Add(_file);
        Add(_storeUri);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var file = parsed.GetRequiredValue(_file);
        var bytes = await MlflowDatabase.BackupAsync(parsed.GetRequiredValue(_storeUri), file, cancellationToken);
        await Console.Out.WriteLineAsync($"Copied to {file}: {ByteSize.Text(bytes)}");
        return 0;
    }
}
