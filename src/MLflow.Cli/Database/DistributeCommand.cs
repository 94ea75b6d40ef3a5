using System.CommandLine;
using MLflow.Server;

namespace MLflow.Cli.Database;

/// <summary><c>mlflow db distribute</c></summary>
internal sealed class DistributeCommand : Command
{
    // The environment is no default of the option: help would show it, and it may hold a password.
    private readonly Option<string?> _storeUri = new("--backend-store-uri")
    {
        Description = "The coordinator's database: postgresql://user@host/database. Default is that of MLFLOW_BACKEND_STORE_URI.",
        HelpName = "URI",
    };

    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Shows the statements and changes nothing." };

    public DistributeCommand()
        : base("distribute", "Spreads the tables of a PostgreSQL database over the machines of its Citus cluster. Stop the servers meanwhile.")
    {
        Add(_storeUri);
        Add(_dryRun);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var isDryRun = parsed.GetValue(_dryRun);
        var uri = parsed.GetValue(_storeUri) ?? Environment.GetEnvironmentVariable("MLFLOW_BACKEND_STORE_URI") ?? new MlflowServerOptions().BackendStoreUri;
        var statements = await MlflowDatabase.DistributeAsync(uri, isDryRun, cancellationToken);
        foreach (var statement in statements)
        {
            await Console.Out.WriteLineAsync($"{statement};");
        }

        if (!isDryRun)
        {
            await Console.Out.WriteLineAsync($"{statements.Count} statements run; the servers can be started again");
        }

        return 0;
    }
}
