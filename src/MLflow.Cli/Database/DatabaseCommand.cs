using System.CommandLine;

namespace MLflow.Cli.Database;

/// <summary><c>mlflow db</c>: care for the database of a server, while it runs or not.</summary>
internal sealed class DatabaseCommand : Command
{
    public DatabaseCommand()
        : base("db", "Cares for the database of a server, while it runs or not.")
    {
        Add(new BackupCommand());
        Add(new CheckCommand());
        Add(new CompactCommand());
        Add(new DistributeCommand());
    }

    public static Option<string> StoreUri() => new("--backend-store-uri")
    {
        Description = "The database: sqlite:///relative.db or sqlite:////absolute.db.",
        DefaultValueFactory = _ => new Server.MlflowServerOptions().BackendStoreUri,
        HelpName = "URI",
    };
}
