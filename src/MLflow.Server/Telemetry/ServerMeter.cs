using System.Diagnostics.Metrics;

namespace MLflow.Server.Telemetry;

/// <summary>What the server counts of itself, as the meter <see cref="Name"/>. No value has a name, an id or content of what clients send.</summary>
internal sealed class ServerMeter : IDisposable
{
    public const string Name = "MLflow.Server";

    private readonly Meter _meter;
    private readonly Counter<long> _spans;
    private readonly Counter<long> _rejected;
    private readonly Counter<long> _budgets;
    private readonly Histogram<double> _commits;
    private readonly Histogram<double> _searches;
    private long _textIndexWaiting;
    private long _rollupsWaiting;

    public ServerMeter()
    {
        _meter = new Meter(new MeterOptions(Name) { Scope = this });
        _spans = _meter.CreateCounter<long>("mlflow.server.ingested", "{item}", "Spans and log records that were stored.");
        _rejected = _meter.CreateCounter<long>("mlflow.server.rejected", "{item}", "Requests, and single spans of requests, that were not taken, by reason.");
        _budgets = _meter.CreateCounter<long>("mlflow.server.gateway.budgets_used_up", "{budget}", "Budgets of the gateway that were used up, each once in its time, by what follows.");
        _commits = _meter.CreateHistogram<double>("mlflow.server.commit.duration", "s", "Time of one transaction, which may hold the work of several requests.");
        _searches = _meter.CreateHistogram<double>("mlflow.server.search.duration", "s", "Time of one search for traces, experiments or runs.");
        _meter.CreateObservableGauge("mlflow.server.text_index.waiting", () => Interlocked.Read(ref _textIndexWaiting), "{trace}", "Traces that are not in the text index yet; searches look through them.");
        _meter.CreateObservableGauge("mlflow.server.rollups.waiting", () => Interlocked.Read(ref _rollupsWaiting), "{hour}", "Hours of experiments whose figures are out of date; overviews read their traces.");
    }

    /// <summary>Traces that waited for the text index when they were counted last; those of all servers of the database.</summary>
    public long TextIndexWaiting
    {
        set => Interlocked.Exchange(ref _textIndexWaiting, value);
    }

    /// <summary>Hours whose figures were out of date when they were counted last; those of all servers of the database.</summary>
    public long RollupsWaiting
    {
        set => Interlocked.Exchange(ref _rollupsWaiting, value);
    }

    public void Ingested(string kind, int count) => _spans.Add(count, new KeyValuePair<string, object?>("kind", kind));

    /// <param name="reason">One of few words, never text of a client.</param>
    /// <param name="count">Requests or spans.</param>
    public void Rejected(string reason, int count = 1) => _rejected.Add(count, new KeyValuePair<string, object?>("reason", reason));

    public void BudgetUsedUp(bool rejects) => _budgets.Add(1, new KeyValuePair<string, object?>("action", rejects ? "reject" : "alert"));

    public void Committed(TimeSpan duration) => _commits.Record(duration.TotalSeconds);

    public void Searched(TimeSpan duration) => _searches.Record(duration.TotalSeconds);

    /// <summary>Shows how much work waits to be written.</summary>
    public void Watch(Func<int> queue) => _meter.CreateObservableGauge("mlflow.server.queue", queue, "{item}", "Pieces of work that wait to be written.");

    /// <summary>Shows what is kept of calls of the gateway.</summary>
    /// <param name="kept">Bytes until they are recorded.</param>
    /// <param name="waiting">Bytes from then on until they are stored.</param>
    public void WatchGateway(Func<long> kept, Func<long> waiting)
    {
        _meter.CreateObservableGauge("mlflow.server.gateway.kept", kept, "By", "What is kept of the calls that pass the gateway until they are recorded.");
        _meter.CreateObservableGauge("mlflow.server.gateway.waiting", waiting, "By", "What is kept of recorded calls of the gateway until they are stored.");
    }

    public void Dispose() => _meter.Dispose();
}
