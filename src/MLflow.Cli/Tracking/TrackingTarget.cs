using System.CommandLine;

namespace MLflow.Cli.Tracking;

/// <summary>The requests for which the SDK has no call: what comes as the server wrote it, page by page.</summary>
internal sealed class TrackingTarget : IDisposable
{
    private readonly DatabricksWorkspaces? _workspaces;

    private TrackingTarget(Uri address, DatabricksWorkspaces? workspaces, DatabricksWorkspace? workspace)
    {
        _workspaces = workspaces;
        Address = address;
        Api = new TrackingApi(address, TimeProvider.System, CredentialSource.OfEnvironment, workspace);
    }

    public Uri Address { get; }

    public TrackingApi Api { get; }

    /// <summary>Address without credentials, for people and for cursors.</summary>
    public string Name => Api.Address;

    /// <exception cref="ArgumentException">The address is wrong, or there are no credentials for a Databricks workspace.</exception>
    public static TrackingTarget Connect(TrackingOptionSet options, ParseResult parsed)
    {
        var uri = options.Read(parsed).Uri;
        if (!DatabricksUri.IsDatabricks(uri))
        {
            return new TrackingTarget(TrackingSettings.ParseTrackingUri(uri), null, null);
        }

        var workspaces = new DatabricksWorkspaces(TrackingTransport.Read(Environment.GetEnvironmentVariable), TimeProvider.System);
        var workspace = workspaces.Find(workspaces.Add(uri))!;
        return new TrackingTarget(workspace.Config.Host, workspaces, workspace);
    }

    public void Dispose() => _workspaces?.Dispose();
}
