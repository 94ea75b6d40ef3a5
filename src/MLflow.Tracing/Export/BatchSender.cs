namespace MLflow;

/// <summary>
/// Sends a batch as MLflow's own clients do: spans by OTLP, then StartTraceV3 for each trace that is complete. A server that does not hold the
/// spans afterwards gets them as traces.json.
/// </summary>
internal sealed class BatchSender : IDisposable
{
    private readonly HttpClient _http;
    private readonly TimeProvider _timeProvider;

    // Bounded by the tracking URIs that the program sets.
    private readonly Dictionary<Uri, TrackingServer> _servers = [];

    public BatchSender(TimeProvider timeProvider)
    {
        _timeProvider = timeProvider;
        _http = new HttpClient(new SocketsHttpHandler
        {
            // Without a propagator HttpClient raises no diagnostics: our own requests are never traced, and carry no traceparent.
            ActivityHeadersPropagator = null,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            AutomaticDecompression = System.Net.DecompressionMethods.All,
        })
        {
            // Each request has its own deadline.
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>One try. <paramref name="onSettled"/> is called for each export that was sent or given up; what remains can be tried again.</summary>
    public async Task<ExportOutcome> TryAsync(ExportBatch batch, Action<TraceExport, ExportOutcome> onSettled, CancellationToken cancellationToken)
    {
        var server = Server(batch.Destination.TrackingUri);
        var outcome = await server.ConnectAsync(cancellationToken).ConfigureAwait(false);
        if (!outcome.IsSent)
        {
            return outcome;
        }

        (outcome, var experimentId) = await server.ResolveExperimentAsync(batch.Destination, cancellationToken).ConfigureAwait(false);
        if (outcome.IsSent && !batch.AreSpansSent)
        {
            outcome = await SendSpansAsync(server, batch, experimentId, cancellationToken).ConfigureAwait(false);
        }

        if (outcome.GivenUp is not null)
        {
            Settle(batch, outcome, onSettled);
            return outcome;
        }

        while (outcome.IsSent && batch.Settled < batch.Exports.Count)
        {
            var export = batch.Exports[batch.Settled];
            var completed = export.IsComplete ? await CompleteAsync(server, export, experimentId, cancellationToken).ConfigureAwait(false) : ExportOutcome.Sent;
            if (completed.Postponed is not null)
            {
                return completed;
            }

            batch.Settled++;
            onSettled(export, completed);
        }

        return outcome;
    }

    public void Dispose() => _http.Dispose();

    private static async Task<ExportOutcome> SendSpansAsync(TrackingServer server, ExportBatch batch, string experimentId, CancellationToken cancellationToken)
    {
        using var writer = new ProtobufWriter();
        var sizes = OtlpTraceEncoder.Encode(writer, batch.Exports);
        var outcome = server.TakesOtlp
            ? await server.PostSpansAsync(writer.Written, experimentId, cancellationToken).ConfigureAwait(false)
            : ExportOutcome.Sent;
        if (outcome.IsSent)
        {
            batch.AreSpansSent = true;
            NoteSizes(batch, sizes);
        }

        return outcome;
    }

    private static void NoteSizes(ExportBatch batch, List<int> sizes)
    {
        var next = 0;
        foreach (var export in batch.Exports)
        {
            export.Trace.SentSizes.AddRange(sizes.GetRange(next, export.Spans.Count));
            next += export.Spans.Count;
        }
    }

    private static async Task<ExportOutcome> CompleteAsync(TrackingServer server, TraceExport export, string experimentId, CancellationToken cancellationToken)
    {
        var info = TraceInfoWriter.Write(export.Trace, experimentId);
        var (outcome, uploadTo) = await server.PostInfoAsync(info, cancellationToken).ConfigureAwait(false);
        return outcome.IsSent && uploadTo is not null
            ? await server.UploadSpansAsync(uploadTo, TracesJsonWriter.Write(export.Spans), cancellationToken).ConfigureAwait(false)
            : outcome;
    }

    private static void Settle(ExportBatch batch, ExportOutcome outcome, Action<TraceExport, ExportOutcome> onSettled)
    {
        for (; batch.Settled < batch.Exports.Count; batch.Settled++)
        {
            onSettled(batch.Exports[batch.Settled], outcome);
        }
    }

    private TrackingServer Server(Uri address)
    {
        if (!_servers.TryGetValue(address, out var server))
        {
            _servers[address] = server = new TrackingServer(_http, address, _timeProvider);
        }

        return server;
    }
}
