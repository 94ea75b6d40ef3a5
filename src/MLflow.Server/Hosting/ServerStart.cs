using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using MLflow.Server.Access;
using MLflow.Server.Blobs;
using MLflow.Server.Experiments;
using MLflow.Server.Otlp;
using MLflow.Server.Secrets;
using MLflow.Server.Storage;
using MLflow.Server.Storage.Postgres;
using MLflow.Server.Storage.Sqlite;
using MLflow.Server.Telemetry;

namespace MLflow.Server.Hosting;

/// <summary>The steps of starting that can fail for reasons outside this program; each failure becomes one sentence.</summary>
internal static class ServerStart
{
    /// <summary>Opens the blob store. One that somebody else keeps is tried: a wrong key shall not be told by the first large trace.</summary>
    public static async Task<IBlobStore> OpenBlobsAsync(ServerSettings settings, CancellationToken cancellationToken)
    {
        IBlobStore? store = null;
        try
        {
            store = settings.Blobs.Open();
            if (settings.Blobs.IsRemote)
            {
                var probe = "mlflow"u8.ToArray();
                var name = BlobName.New(BlobName.HashOf(probe));
                await store.WriteAsync(name, probe, cancellationToken).ConfigureAwait(false);
                await store.DeleteAsync(name, cancellationToken).ConfigureAwait(false);
            }

            return store;
        }
        catch (MlflowException e)
        {
            store?.Dispose();
            throw new MlflowServerStartException($"--blobs-destination {settings.Blobs.Shown} cannot be used: {e.Message}", e);
        }
    }

    public static async Task<IDatabase> OpenDatabaseAsync(ServerSettings settings, TimeProvider timeProvider, ServerMeter? meter, SpanBlobs blobs, CancellationToken cancellationToken)
    {
        try
        {
            return settings.PostgresUri is { } uri
                ? await PostgresDatabase.OpenAsync(uri, timeProvider, settings.SearchTimeout, cancellationToken, meter, blobs).ConfigureAwait(false)
                : SqliteDatabase.Open(settings.DatabasePath, timeProvider, settings.SearchTimeout, meter, blobs);
        }
        catch (DatabaseOpenException e)
        {
            throw new MlflowServerStartException(e.Message, e);
        }
    }

    /// <summary>Sees that nobody uses the server uninvited.</summary>
    /// <exception cref="MlflowServerStartException">It would be open to other machines, or users would be passed over.</exception>
    public static void CheckAccess(MlflowServerOptions options, ServerSettings settings, IAccessStore store)
    {
        var hasUsers = store.HasUsers();
        if (settings.AccessMode == AccessMode.WhenUsersExist && settings.IsBeyondLoopback && !hasUsers)
        {
            throw new MlflowServerStartException(
                $"--host {options.Host} opens the server to other machines, and it has no users yet. Make one with 'dotnet mlflow users create NAME --admin --backend-store-uri {PostgresUri.Shown(options.BackendStoreUri)}', "
                + "or start with --auth and open the link that the server prints. Only where everybody who reaches it may read and delete everything: --no-auth.");
        }

        if (settings.AccessMode == AccessMode.Never && hasUsers)
        {
            throw new MlflowServerStartException("--no-auth would let everybody do everything, and this database has users: leave it out, or delete them with 'dotnet mlflow users delete'.");
        }
    }

    /// <summary>The keys of secrets: what is set, and on a server for this machine alone the one for development.</summary>
    /// <exception cref="MlflowServerStartException">There are secrets, and other machines reach the server while everybody could read them in a copy of the database.</exception>
    public static KeyRing SecretKeys(MlflowServerOptions options, ServerSettings settings, IGatewayStore store)
    {
        if (settings.SecretKeys is { } keys)
        {
            return keys;
        }

        if (!settings.IsBeyondLoopback)
        {
            return KeyRing.OfDevelopment();
        }

        return store.Read().All.Any(document => document.Kind == StoredSecret.Kind)
            ? throw new MlflowServerStartException(
                $"The database has secrets, and --host {options.Host} opens the server to other machines without a key of its own for them: set MLFLOW_CRYPTO_KEK_FILE, or MLFLOW_CRYPTO_KEK_PASSPHRASE. "
                + "Secrets that were made for this machine alone are encrypted with a passphrase that everybody knows: 'dotnet mlflow secrets rotate' encrypts them with the new key.")
            : KeyRing.None;
    }

    /// <summary>Finds the experiments that the settings name, and creates those that are missing.</summary>
    public static async Task<OtlpExperiments> FindExperimentsAsync(MlflowServerOptions options, IDatabase database, CancellationToken cancellationToken)
    {
        var store = database.Experiments();
        var mistakes = new List<string>();
        var services = await FindAsync("--otlp-service-experiment", options.OtlpServiceExperiments).ConfigureAwait(false);
        var tokens = await FindAsync("MLFLOW_OTLP_TOKEN_EXPERIMENTS", options.OtlpTokenExperiments).ConfigureAwait(false);
        return mistakes.Count == 0 ? new OtlpExperiments(services, tokens) : throw new MlflowServerStartException(mistakes);

        async Task<Dictionary<string, long>> FindAsync(string setting, IReadOnlyDictionary<string, string> names)
        {
            var found = new Dictionary<string, long>(StringComparer.Ordinal);
            foreach (var (key, name) in names)
            {
                var isId = long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var id);
                var experiment = isId
                    ? await store.GetAsync(id, cancellationToken).ConfigureAwait(false)
                    : await store.GetByNameAsync(name, cancellationToken).ConfigureAwait(false) ?? await CreateAsync(store, name, cancellationToken).ConfigureAwait(false);
                if (experiment is not { IsActive: true })
                {
                    mistakes.Add($"{setting} names the experiment '{name}', which {(experiment is null ? "does not exist: name another one, or a new one by its name" : "is deleted: restore it, or name another one")}.");
                }
                else
                {
                    found[key] = experiment.ExperimentId;
                }
            }

            return found;
        }
    }

    private static async Task<Experiment?> CreateAsync(IExperimentStore store, string name, CancellationToken cancellationToken)
    {
        try
        {
            return await store.CreateAsync(name, null, new Dictionary<string, string>(), cancellationToken).ConfigureAwait(false);
        }
        catch (MlflowException e) when (e.ErrorCode == ErrorCode.RESOURCE_ALREADY_EXISTS)
        {
            // Another server of this database has started at the same moment.
            return await store.GetByNameAsync(name, cancellationToken).ConfigureAwait(false);
        }
    }

    public static async Task ListenAsync(WebApplication app, ServerSettings settings, CancellationToken cancellationToken)
    {
        try
        {
            await app.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (IOException e) when (e.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
        {
            throw new MlflowServerStartException(
                $"Port {settings.Port} is already in use on {settings.Addresses[0]}; end the program that uses it, or choose another with --port (0 takes any free one).", e);
        }
        catch (SocketException e)
        {
            throw new MlflowServerStartException($"The server cannot listen on {settings.Addresses[0]} port {settings.Port}: {e.Message}; choose others with --host and --port.", e);
        }
    }

    public static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    /// <summary>An address that a program on this machine can open.</summary>
    public static Uri Address(IPEndPoint endpoint, bool isTls) =>
        new UriBuilder(isTls ? Uri.UriSchemeHttps : Uri.UriSchemeHttp, (IsAny(endpoint.Address) ? IPAddress.Loopback : endpoint.Address).ToString(), endpoint.Port).Uri;

    /// <summary>An address that a program on this machine can open.</summary>
    public static Uri Address(WebApplication app)
    {
        var address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        return IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && IsAny(ip)
            ? new UriBuilder(address) { Host = "127.0.0.1" }.Uri
            : address;
    }
}
