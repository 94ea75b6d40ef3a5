using System.CommandLine;
using MLflow.Cli.Commands;

namespace MLflow.Cli.Tracking;

/// <summary>The requests for which the SDK has no call: what comes as the server wrote it, page by page.</summary>
internal sealed class TrackingTarget
{
    private TrackingTarget(Uri address)
    {
        Address = address;
        Api = new TrackingApi(address, TimeProvider.System, CredentialSource.OfEnvironment);
    }

    public Uri Address { get; }

    public TrackingApi Api { get; }

    /// <summary>Address without credentials, for people and for cursors.</summary>
    public string Name => Api.Address;

    /// <exception cref="ArgumentException">The address is wrong.</exception>
    /// <exception cref="CommandException">It is a workspace of Databricks.</exception>
    public static TrackingTarget Connect(TrackingOptionSet options, ParseResult parsed)
    {
        var uri = options.Read(parsed).Uri;
        return DatabricksUri.IsDatabricks(uri)
            ? throw CommandException.WrongUse($"this command reads from MLflow servers, not from Databricks workspaces: '{uri}'")
            : new TrackingTarget(TrackingSettings.ParseTrackingUri(uri));
    }
}
