namespace MLflow;

/// <summary>Reads traces of a workspace's experiments: the facts from its API, the spans as one document from the storage behind it.</summary>
internal sealed class WorkspaceTraces(TrackingApi api, DatabricksWorkspace workspace)
{
    /// <exception cref="MlflowException">There is no such trace, or its document is not there.</exception>
    /// <exception cref="FormatException">What came is no trace.</exception>
    public async Task<TraceRecord> GetAsync(string traceId, CancellationToken cancellationToken)
    {
        var info = TraceReader.Read(await api.GetAsync("/api/3.0/mlflow/traces/" + Uri.EscapeDataString(traceId), cancellationToken).ConfigureAwait(false))[0];
        return await WithSpansAsync(info, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>As it was found, where its document is not there or none: one such trace does not end a search.</summary>
    public async Task<TraceRecord> TryWithSpansAsync(TraceRecord info, CancellationToken cancellationToken)
    {
        try
        {
            return await WithSpansAsync(info, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is FormatException or MlflowException { ErrorCode: MlflowErrorCode.BadRequest })
        {
            return info;
        }
    }

    /// <summary>The document with the spans of a trace.</summary>
    /// <exception cref="MlflowException">It is not there (status 404), or could not be had.</exception>
    public Task<byte[]> DocumentAsync(string traceId, CancellationToken cancellationToken) => api.GetAsync(
        DatabricksWorkspace.CredentialPath(traceId, "download"),
        token => workspace.Storage.DownloadAsync(t => workspace.CredentialAsync(traceId, "download", workspace.Reads, t), token),
        cancellationToken);

    private async Task<TraceRecord> WithSpansAsync(TraceRecord info, CancellationToken cancellationToken)
    {
        try
        {
            var document = await DocumentAsync(info.TraceId, cancellationToken).ConfigureAwait(false);
            return info.With(spans: TraceReader.ReadSpans(document));
        }
        catch (MlflowException e) when (e is { StatusCode: System.Net.HttpStatusCode.NotFound, ErrorCode: not MlflowErrorCode.ResourceDoesNotExist })
        {
            throw new MlflowException($"The spans of trace '{info.TraceId}' are not in the storage of the workspace {workspace.Config.Host.Host}: they were not uploaded yet, or are gone.", e) { ErrorCode = MlflowErrorCode.BadRequest, StatusCode = e.StatusCode };
        }
    }
}
