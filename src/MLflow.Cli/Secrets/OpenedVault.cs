using System.CommandLine;
using MLflow.Cli.Access;
using MLflow.Cli.Commands;
using MLflow.Server;
using MLflow.Server.Hosting;
using MLflow.Server.Secrets;

namespace MLflow.Cli.Secrets;

/// <summary>The secrets of a database, with the keys that the environment names, as the server reads them.</summary>
internal sealed class OpenedVault : IAsyncDisposable
{
    private readonly OpenedStore _store;

    private OpenedVault(OpenedStore store, SecretVault secrets)
    {
        _store = store;
        Secrets = secrets;
    }

    public SecretVault Secrets { get; }

    /// <param name="option">Names the database.</param>
    /// <param name="parsed">The call.</param>
    /// <param name="cancellationToken">Stops waiting for the database.</param>
    /// <param name="withDevelopmentKey">Whether what was made for one machine alone is to be read as well.</param>
    public static async Task<OpenedVault> OpenAsync(StoreOption option, ParseResult parsed, CancellationToken cancellationToken, bool withDevelopmentKey = false)
    {
        var options = new MlflowServerOptions();
        ServerOptionSet.ReadSecretKeys(options, Environment.GetEnvironmentVariable);
        var keys = ServerSettings.Validate(options).SecretKeys;
        if (keys is null)
        {
            await Console.Error.WriteLineAsync(
                "Neither MLFLOW_CRYPTO_KEK_FILE nor MLFLOW_CRYPTO_KEK_PASSPHRASE is set: secrets are encrypted with a passphrase that everybody knows, which a server takes for its own machine alone.");
        }

        keys = keys is null ? KeyRing.OfDevelopment() : withDevelopmentKey ? keys.WithDevelopmentKey() : keys;
        var store = await option.OpenAsync(parsed, cancellationToken, mayCreate: true);
        return new OpenedVault(store, store.Secrets(keys));
    }

    public async ValueTask DisposeAsync()
    {
        Secrets.Dispose();
        await _store.DisposeAsync();
    }
}
