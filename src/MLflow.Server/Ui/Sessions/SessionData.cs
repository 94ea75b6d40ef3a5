using MLflow.Server.Experiments;
using MLflow.Server.Storage;
using MLflow.Server.Traces;
using MLflow.Server.Ui.Formatting;

namespace MLflow.Server.Ui.Sessions;

/// <summary>What a session page has read.</summary>
/// <param name="Experiment">Null when there is no such experiment.</param>
/// <param name="Turns">The first traces of the session with their spans, the oldest first.</param>
/// <param name="HasMore">Whether there are more.</param>
/// <param name="Error">Why they could not be read, in words.</param>
internal sealed record SessionData(Experiment? Experiment, IReadOnlyList<(TraceInfo Info, IReadOnlyList<SpanRecord> Spans)> Turns, bool HasMore = false, string? Error = null)
{
    /// <summary>Turns of one page; each is read with all its spans.</summary>
    public const int MaxTurns = 100;

    public static async Task<SessionData> ReadAsync(IExperimentStore experiments, ITraceStore traces, long experimentId, string sessionId, CancellationToken cancellationToken)
    {
        var experiment = await VisibleExperiment.FindAsync(experiments, experimentId, cancellationToken);
        if (experiment is null)
        {
            return new SessionData(null, []);
        }

        if (SessionUrl.Filter(sessionId) is not { } filter)
        {
            return new SessionData(experiment, [], Error: Words.T("The id of this session has quotes of both kinds, which no filter can say."));
        }

        try
        {
            var page = await traces.SearchAsync(new TraceQuery { ExperimentIds = [experimentId], Filter = filter, OrderBy = ["timestamp_ms ASC"], PageSize = MaxTurns }, cancellationToken);
            var turns = new List<(TraceInfo, IReadOnlyList<SpanRecord>)>();
            foreach (var info in page.Traces)
            {
                turns.Add((info, await traces.GetSpansAsync(info.TraceId, cancellationToken)));
            }

            return new SessionData(experiment, turns, page.NextPageToken is not null);
        }
        catch (MlflowException e) when (e.ErrorCode != ErrorCode.UNAUTHENTICATED)
        {
            return new SessionData(experiment, [], Error: e.Message);
        }
    }
}
