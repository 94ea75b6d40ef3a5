using System.CommandLine;
using MLflow.Cli.Access;
using MLflow.Cli.Commands;
using MLflow.Server.Access;
using MLflow.Server.Gateway;

namespace MLflow.Cli.Secrets;

/// <summary><c>mlflow secrets import</c></summary>
internal sealed class ImportSecretsCommand : Command
{
    private readonly StoreOption _store = new();

    public ImportSecretsCommand()
        : base("import", $"Stores the keys that are in the environment: {Names()}. Each is named as its provider.")
    {
        _store.AddTo(this);
        SetAction((parsed, cancellationToken) => StoreOption.TellAsync(() => RunAsync(parsed, cancellationToken)));
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        await using var vault = await OpenedVault.OpenAsync(_store, parsed, cancellationToken);
        var any = false;
        foreach (var known in EnvironmentKey.Known.Where(known => known.IsSet))
        {
            any = true;
            if (vault.Secrets.FindByName(known.Provider.Name) is not null)
            {
                await Console.Error.WriteLineAsync($"{known.KeyVariable} is left out: there is a secret '{known.Provider.Name}' already; delete it first to store another in its place.");
                continue;
            }

            if (known.LacksAddress)
            {
                await Console.Error.WriteLineAsync($"{known.KeyVariable} is left out: its address is missing; set {known.BaseVariable}.");
                continue;
            }

            var secret = await known.ImportAsync(vault.Secrets, Actor.CommandLine, cancellationToken);
            await Console.Out.WriteLineAsync($"{known.KeyVariable} is secret '{secret.Name}' ({secret.Masked[GatewayProvider.KeyName]}), for {known.Address ?? known.Provider.Base} only.");
        }

        return any ? 0 : throw new CommandException($"the environment has none of {Names()}");
    }

    private static string Names() => string.Join(", ", EnvironmentKey.Known.Select(known => known.KeyVariable));
}
