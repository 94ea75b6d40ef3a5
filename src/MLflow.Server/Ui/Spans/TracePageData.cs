using MLflow.Server.Experiments;
using MLflow.Server.Storage;
using MLflow.Server.Traces;
using MLflow.Server.Ui.List;

namespace MLflow.Server.Ui.Spans;

/// <summary>What a trace page has read.</summary>
internal sealed record TracePageData
{
    /// <summary>Null when there is no such trace.</summary>
    public required TraceInfo? Info { get; init; }

    public Experiment? Experiment { get; init; }

    /// <summary>Null when there is no such trace.</summary>
    public TraceView? View { get; init; }

    /// <summary>Brings what <see cref="View"/> lacks.</summary>
    public StepContents? Contents { get; init; }

    /// <summary>Whether a trace is worth to be read again: a small one always is, of a large one the figures tell.</summary>
    public async Task<bool> MayHaveChangedAsync(ITraceStore traces, CancellationToken cancellationToken)
    {
        if (Info is null || View is not { Tree.Rows.Count: > StepContents.MostWhole })
        {
            return true;
        }

        try
        {
            return await traces.GetInfosAsync([Info.TraceId], cancellationToken) is not [var now] || !TraceInfoComparer.AreSame(now, Info);
        }
        catch (MlflowException e) when (e.ErrorCode == ErrorCode.PERMISSION_DENIED)
        {
            return true;
        }
    }

    /// <summary>The same trace at a later time, up to which it has run.</summary>
    public TracePageData AsOf(DateTimeOffset now) => View is { Mark: StateMark.Running } view ? this with { View = new TraceView(view.Info, view.Tree, now) } : this;

    /// <summary>Reads a trace; of a large one without the contents of most steps.</summary>
    /// <param name="traces">Where it is.</param>
    /// <param name="experiments">Where its experiment is.</param>
    /// <param name="traceId">The trace.</param>
    /// <param name="now">The time.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="before">The same trace as it was read earlier: contents that were brought then, and will not change any more, are not brought again.</param>
    public static async Task<TracePageData> ReadAsync(ITraceStore traces, IExperimentStore experiments, string traceId, DateTimeOffset now, CancellationToken cancellationToken, TracePageData? before = null)
    {
        try
        {
            if ((await traces.GetInfosAsync([traceId], cancellationToken)) is not [var info])
            {
                return new TracePageData { Info = null };
            }

            // An archive is read as a whole anyway.
            var isLarge = info.Facts.SpanCount > StepContents.MostWhole && !info.Metadata.ContainsKey(TraceKeys.Archived);
            var tree = SpanTree.Build(isLarge ? await traces.GetSkeletonAsync(traceId, cancellationToken) : await traces.GetSpansAsync(traceId, cancellationToken));
            var contents = new StepContents(tree, traceId);
            if (isLarge && before is { Info: not null, View: { } earlier } && before.Info.TraceId == traceId)
            {
                contents.Keep(earlier.Tree, now);
            }

            await contents.BringAsync(traces, contents.Told, cancellationToken);
            return new TracePageData
            {
                Info = info,
                Experiment = await experiments.GetAsync(info.ExperimentId, cancellationToken),
                View = new TraceView(info, tree, now),
                Contents = contents,
            };
        }
        catch (MlflowException e) when (e.ErrorCode == ErrorCode.PERMISSION_DENIED)
        {
            // What somebody may not see is not there for them.
            return new TracePageData { Info = null };
        }
    }
}
