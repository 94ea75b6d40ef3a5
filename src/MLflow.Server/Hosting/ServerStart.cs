using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using MLflow.Server.Storage;
using MLflow.Server.Storage.Sqlite;

namespace MLflow.Server.Hosting;

/// <summary>The steps of starting that can fail for reasons outside this program; each failure becomes one sentence.</summary>
internal static class ServerStart
{
    public static SqliteDatabase OpenDatabase(ServerSettings settings, TimeProvider timeProvider)
    {
        try
        {
            return SqliteDatabase.Open(settings.DatabasePath, timeProvider, settings.SearchTimeout);
        }
        catch (DatabaseOpenException e)
        {
            throw new MlflowServerStartException(e.Message, e);
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

    /// <summary>An address that a program on this machine can open.</summary>
    public static Uri Address(WebApplication app)
    {
        var address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        return IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && (ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any))
            ? new UriBuilder(address) { Host = "127.0.0.1" }.Uri
            : address;
    }
}
