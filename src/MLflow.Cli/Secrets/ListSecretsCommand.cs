using System.CommandLine;
using MLflow.Cli.Access;
using MLflow.Cli.Output;
using MLflow.Server.Secrets;

namespace MLflow.Cli.Secrets;

/// <summary><c>mlflow secrets list</c></summary>
internal sealed class ListSecretsCommand : Command
{
    private readonly StoreOption _store = new();

    public ListSecretsCommand()
        : base("list", "Lists secrets, of their values only what one knows them by.")
    {
        _store.AddTo(this);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        await using var vault = await OpenedVault.OpenAsync(_store, parsed, cancellationToken);
        var table = StandardOutput.Table("NAME", "SECRET", "PROVIDER", "VALUE", "ADDRESS", "KEY VERSION", "CHANGED", "BY");
        foreach (var secret in vault.Secrets.List())
        {
            table.Add(
                secret.Name,
                secret.Id,
                secret.Provider,
                string.Join(", ", secret.Masked.Values),
                secret.AuthConfig.GetValueOrDefault(SecretDestination.ApiBase) ?? "",
                secret.KeyVersion.ToString(System.Globalization.CultureInfo.InvariantCulture),
                TokenOutput.Time(secret.UpdatedMs),
                secret.UpdatedBy ?? "");
        }

        await StandardOutput.WriteAsync(table);
        return 0;
    }
}
