using System.CommandLine;
using System.Globalization;
using MLflow.Cli.Access;
using MLflow.Server.Access;

namespace MLflow.Cli.Secrets;

/// <summary><c>mlflow secrets rotate</c></summary>
internal sealed class RotateSecretsCommand : Command
{
    private readonly StoreOption _store = new();
    private readonly Option<bool> _fromDevelopment = new("--from-development") { Description = "Also those that were made without a key, for a server of one machine; the new key's version must be 2 or more." };

    public RotateSecretsCommand()
        : base("rotate", "Encrypts all secrets with the newest key, while servers go on: that of the highest version in MLFLOW_CRYPTO_KEK_FILE.")
    {
        Add(_fromDevelopment);
        _store.AddTo(this);
        SetAction((parsed, cancellationToken) => StoreOption.TellAsync(() => RunAsync(parsed, cancellationToken)));
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        await using var vault = await OpenedVault.OpenAsync(_store, parsed, cancellationToken, parsed.GetValue(_fromDevelopment));
        var (count, version) = await vault.Secrets.RotateAsync(Actor.CommandLine, cancellationToken);
        await Console.Out.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture, $"Encrypted {count} secrets with the key of version {version}. Keys of lower versions are needed no more, but for backups."));
        return 0;
    }
}
