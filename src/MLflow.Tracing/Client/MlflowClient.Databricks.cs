namespace MLflow;

/// <content>What only Databricks workspaces have.</content>
public sealed partial class MlflowClient
{
    private DatabricksSecretsClient? _secrets;

    /// <summary>
    /// The secrets of the Databricks workspace that traces go to or, where they go to another server, of the one that <see cref="MlflowClientOptions.Databricks"/>, the environment or
    /// <c>~/.databrickscfg</c> names.
    /// </summary>
    public DatabricksSecretsClient Secrets => _secrets ??= new DatabricksSecretsClient(() =>
    {
        var workspace = _workspaces.Find(Destination.TrackingUri) ?? _workspaces.Find(_workspaces.AddOnce(DatabricksUri.Scheme))!;
        return new TrackingApi(workspace.Config.Host, Tracer.TimeProvider, _credentials, workspace);
    });

    /// <summary>
    /// Makes a schema of Unity Catalog take traces: creates its tables, unless they are there. Needs a SQL warehouse (<see cref="DatabricksOptions.SqlWarehouseId"/>). Traces go there by
    /// <see cref="SetDestination"/>.
    /// </summary>
    /// <param name="location"><c>catalog.schema</c>; the schema must exist.</param>
    /// <param name="experimentId">An experiment whose pages are to show what lies there. Null: none.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ArgumentException">It is no place of that form.</exception>
    /// <exception cref="MlflowException">The workspace refused or could not be reached, no warehouse is set, or traces go to another server.</exception>
    public async Task CreateTraceLocationAsync(string location, string? experimentId = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(location);
        if (!CatalogLocation.TryParse(location, out var place) || place.Prefix is not null)
        {
            throw new ArgumentException($"'{location}' is not a schema of Unity Catalog, written as 'catalog.schema'; tables with a prefix of their own are created in the workspace.", nameof(location));
        }

        var traces = new CatalogTraces(Api());
        await traces.CreateLocationAsync(place, cancellationToken).ConfigureAwait(false);
        if (experimentId is not null)
        {
            await traces.LinkAsync(place, experimentId, cancellationToken).ConfigureAwait(false);
        }
    }
}
