using System.CommandLine;

namespace MLflow.Cli.Secrets;

/// <summary><c>mlflow secrets</c></summary>
internal sealed class SecretsCommand : Command
{
    public SecretsCommand()
        : base("secrets", "Keeps the keys of providers for the gateway of a server, encrypted in its database.")
    {
        Add(new CreateSecretCommand());
        Add(new ListSecretsCommand());
        Add(new DeleteSecretCommand());
        Add(new RotateSecretsCommand());
        Add(new ImportSecretsCommand());
    }
}
