using MLflow.Server.Storage;
using MLflow.Server.Traces;

namespace MLflow.Server.Ui.List;

/// <summary>Reads list pages by the same query as the REST API.</summary>
internal static class TraceListReader
{
    public const int PageSize = 50;

    /// <summary>Counting stops here.</summary>
    public const int CountLimit = 10_000;

    public static async Task<TraceListData> ReadAsync(
        IExperimentStore experiments, ITraceStore traces, long experimentId, string? filter, string? pageToken, CancellationToken cancellationToken)
    {
        var experiment = await VisibleExperiment.FindAsync(experiments, experimentId, cancellationToken);
        if (experiment is null)
        {
            return new TraceListData { Experiment = null };
        }

        var query = new TraceQuery { ExperimentIds = [experimentId], Filter = filter, PageSize = PageSize, PageToken = pageToken };
        try
        {
            var page = await traces.SearchAsync(query, cancellationToken);
            return new TraceListData
            {
                Experiment = experiment,
                Traces = page.Traces,
                NextPageToken = page.NextPageToken,
                Count = await traces.CountAsync(query with { PageToken = null }, CountLimit, cancellationToken),
            };
        }
        catch (MlflowException e) when (e.ErrorCode != ErrorCode.UNAUTHENTICATED)
        {
            return new TraceListData { Experiment = experiment, Error = e.Message };
        }
    }
}
