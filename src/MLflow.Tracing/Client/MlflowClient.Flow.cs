namespace MLflow;

/// <content>What one async flow sets for itself, and runs.</content>
public sealed partial class MlflowClient
{
    /// <summary>Ids in one request to link, the most that MLflow takes.</summary>
    internal const int LinkBatch = 100;

    private readonly AsyncLocal<FlowSettings?> _flow = new();

    // So that traces of programs that never do so need not look.
    private volatile bool _usesSampling;

    /// <summary>
    /// Puts traces that this async flow, and what it starts, begins from now on into an experiment, until the result is disposed. Other flows are not concerned: two
    /// requests or two tests do not meet. Traces that have begun stay where they are.
    /// </summary>
    /// <param name="name">At most 500 characters. The experiment is created when it is missing; no request is made now.</param>
    /// <param name="trackingUri">Another server. Null: the one that is set.</param>
    /// <exception cref="ArgumentException">The name is empty, or the address is not one that is supported.</exception>
    public IDisposable UseExperiment(string name, string? trackingUri = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        var uri = AddressOf(trackingUri);
        name = TrackingSettings.Checked(new TraceDestination(uri ?? Destination.TrackingUri, name, null)).ExperimentName!;
        return Use(flow => flow with { ExperimentName = name, ExperimentId = null, TrackingUri = uri ?? flow.TrackingUri });
    }

    /// <summary>As <see cref="UseExperiment"/>, by the experiment's id. Traces are dropped, and counted, where the server has none of that id.</summary>
    /// <param name="experimentId">The id.</param>
    /// <param name="trackingUri">Another server. Null: the one that is set.</param>
    /// <exception cref="ArgumentException">The id is empty, or the address is not one that is supported.</exception>
    public IDisposable UseExperimentById(string experimentId, string? trackingUri = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(experimentId);
        var uri = AddressOf(trackingUri);
        TrackingSettings.Checked(new TraceDestination(uri ?? Destination.TrackingUri, null, experimentId));
        return Use(flow => flow with { ExperimentName = null, ExperimentId = experimentId, TrackingUri = uri ?? flow.TrackingUri });
    }

    /// <summary>
    /// Makes traces that this async flow, and what it starts, begins from now on belong to a run (<c>mlflow.sourceRun</c>), until the result is disposed.
    /// They are found by <c>run_id = '…'</c> and <see cref="TraceSearchOptions.RunId"/>.
    /// </summary>
    /// <param name="runId">Id of the run, which this SDK neither creates nor checks.</param>
    /// <exception cref="ArgumentException">The id is empty.</exception>
    public IDisposable UseRun(string runId)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(runId);
        return Use(flow => flow with { RunId = runId });
    }

    /// <summary>
    /// Sets which part of the traces is recorded that this async flow, and what it starts, begins from now on, until the result is disposed: also those of automatic tracing and
    /// of methods with <c>[Trace]</c>. 0 records none of them, 1 every one.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The ratio is not from 0 to 1.</exception>
    public IDisposable UseSamplingRatio(double ratio)
    {
        TrackingSettings.CheckRatio(ratio, nameof(ratio));
        _usesSampling = true;
        return Use(flow => flow with { SamplingRatio = ratio });
    }

    /// <summary>Makes stored traces belong to a run, besides the one that they were made in. Those that ended a moment ago are sent first.</summary>
    /// <param name="traceIds">The traces.</param>
    /// <param name="runId">Id of the run.</param>
    /// <param name="cancellationToken">Ends the wait; requests that were sent are not undone.</param>
    /// <exception cref="MlflowException">The server could not be reached, or refused.</exception>
    public async Task LinkTracesToRunAsync(IEnumerable<string> traceIds, string runId, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(traceIds);
        ArgumentException.ThrowIfNullOrWhiteSpace(runId);

        // The server does not say when it lacks a trace.
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        var api = Api();
        var places = traceIds.ToLookup(id => CatalogLocation.TryParseId(id, out var location, out _) ? location : null);
        foreach (var place in places.Where(place => place.Key is not null))
        {
            foreach (var batch in place.Select(id => id[(id.LastIndexOf('/') + 1)..]).Chunk(LinkBatch))
            {
                await new CatalogTraces(api).LinkToRunAsync(place.Key!, batch, runId, cancellationToken).ConfigureAwait(false);
            }
        }

        foreach (var batch in places[null].Chunk(LinkBatch))
        {
            var body = ScratchJson.Write((batch, runId), static (json, s) =>
            {
                json.WriteStartObject();
                json.WriteStartArray("trace_ids");
                foreach (var id in s.batch)
                {
                    json.WriteStringValue(id);
                }

                json.WriteEndArray();
                json.WriteString("run_id", s.runId);
                json.WriteEndObject();
            });
            await api.WriteAsync(HttpMethod.Post, "/api/2.0/mlflow/traces/link-to-run", body, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>What a workspace is for this client was found out once: a flow may begin with every request.</summary>
    private Uri? AddressOf(string? trackingUri) => trackingUri is null ? null
        : DatabricksUri.IsDatabricks(trackingUri) ? _workspaces.AddOnce(trackingUri)
        : TrackingSettings.ParseTrackingUri(trackingUri, _workspaces);

    private TraceDestination Destination => _flow.Value is { } flow ? flow.Over(_settings.Destination) : _settings.Destination;

    private FlowScope<FlowSettings> Use(Func<FlowSettings, FlowSettings> change)
    {
        Tracer.WatchFlow();
        return new FlowScope<FlowSettings>(_flow, change(_flow.Value ?? FlowSettings.None));
    }
}
