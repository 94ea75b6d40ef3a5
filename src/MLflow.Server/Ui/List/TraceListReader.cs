using MLflow.Server.Storage;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Analysis;

namespace MLflow.Server.Ui.List;

/// <summary>Reads list pages by the same query as the REST API.</summary>
internal sealed class TraceListReader
{
    public const int PageSize = 50;

    /// <summary>Counting stops here.</summary>
    public const int CountLimit = 10_000;

    /// <summary>How long a page that is sent without its circuit waits for figures. Its rows are read by then.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(300);

    private readonly ITraceStore _traces;
    private readonly ITraceAnalysis _analysis;
    private readonly TimeWindow _window;
    private readonly string _filter;
    private readonly long _experimentId;

    /// <param name="traces">The traces.</param>
    /// <param name="analysis">Figures over them.</param>
    /// <param name="url">What is shown.</param>
    /// <param name="window">Its time.</param>
    /// <param name="filter">What of its filter the server understands.</param>
    public TraceListReader(ITraceStore traces, ITraceAnalysis analysis, TraceListUrl url, TimeWindow window, string filter)
    {
        _traces = traces;
        _analysis = analysis;
        _window = window;
        _filter = filter;
        _experimentId = url.ExperimentId;
        Query = new TraceQuery
        {
            ExperimentIds = [url.ExperimentId],
            Filter = window.Filter(filter),
            OrderBy = string.IsNullOrEmpty(url.Sort) ? [] : [url.Sort],
            PageSize = PageSize,
        };
    }

    /// <summary>What is shown, from its start.</summary>
    public TraceQuery Query { get; }

    public Task<TracePage> PageAsync(string? token, CancellationToken cancellationToken) => _traces.SearchAsync(Query with { PageToken = token }, cancellationToken);

    /// <summary>A page without its figures.</summary>
    public async Task<TraceListData> ReadAsync(IExperimentStore experiments, IViewStore views, string? token, CancellationToken cancellationToken)
    {
        var experiment = await VisibleExperiment.FindAsync(experiments, _experimentId, cancellationToken);
        if (experiment is null)
        {
            return new TraceListData { Experiment = null };
        }

        var saved = await views.ListAsync(_experimentId, cancellationToken);
        try
        {
            return new TraceListData { Experiment = experiment, Views = saved, Page = await PageAsync(token, cancellationToken) };
        }
        catch (MlflowException e) when (e.ErrorCode != ErrorCode.UNAUTHENTICATED)
        {
            return new TraceListData { Experiment = experiment, Views = saved, Error = e.Message };
        }
    }

    /// <summary>Count and histogram, on a thread of their own: of many traces they take longer than a page of them.</summary>
    public Task<TraceListFigures> FiguresAsync(TimeProvider clock, CancellationToken cancellationToken) => Task.Run(
        async () =>
        {
            try
            {
                return new TraceListFigures
                {
                    Count = await _traces.CountAsync(Query with { OrderBy = [] }, CountLimit, cancellationToken),
                    Histogram = await HistogramAsync(clock.GetUtcNow(), cancellationToken),
                };
            }
            catch (MlflowException e) when (e.ErrorCode != ErrorCode.UNAUTHENTICATED)
            {
                return new TraceListFigures { Error = e.Message };
            }
        },
        cancellationToken);

    /// <summary>The same where it takes no longer than <see cref="Patience"/>; else null.</summary>
    public async Task<TraceListFigures?> FiguresAtOnceAsync(TimeProvider clock, CancellationToken cancellationToken)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var figures = FiguresAsync(clock, late.Token);
        await Task.WhenAny(figures, Task.Delay(Patience, clock, late.Token));
        await late.CancelAsync();
        try
        {
            // Also where they are late: whoever asked goes on, and what they are read by with it.
            return await figures;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private async Task<(HistogramQuery Query, TraceHistogram Histogram)?> HistogramAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var first = now.ToUnixTimeMilliseconds();
        if (_window.StartMs is null)
        {
            var oldest = await _traces.SearchAsync(new TraceQuery { ExperimentIds = [_experimentId], OrderBy = ["timestamp_ms ASC"], PageSize = 1 }, cancellationToken);
            if (oldest.Traces.Count == 0)
            {
                return null;
            }

            first = oldest.Traces[0].RequestTimeMs;
        }

        var (start, bucket, count) = _window.Cut(first, now);
        var query = new HistogramQuery(_experimentId, _filter, start, bucket, count);
        return (query, await _analysis.HistogramAsync(query, cancellationToken));
    }
}
