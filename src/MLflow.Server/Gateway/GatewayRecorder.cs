using System.Globalization;
using System.Threading.Channels;
using MLflow.Server.Access.Guards;
using MLflow.Server.Otlp;
using MLflow.Server.Otlp.Protos;
using MLflow.Server.Pricing;
using MLflow.Server.Rest;
using MLflow.Server.Storage;
using MLflow.Server.Telemetry;
using MLflow.Server.Traces;

namespace MLflow.Server.Gateway;

/// <summary>Makes a trace of each call that passes, by the recorders of the SDK, in the background, and counts what it came to.</summary>
internal sealed partial class GatewayRecorder : IHostedService, IDisposable
{
    /// <summary>Recorded calls that wait to be stored. What comes on top of them is dropped, counted and told.</summary>
    private const int Capacity = 10_000;

    /// <summary>Memory of recorded calls that wait. Where there is more, further ones wait as they passed, and those that cannot are recorded without content.</summary>
    private const long RoomBytes = 8 << 20;

    private const int MaxBatch = 128;
    private const long MaxBatchBytes = 1 << 20;

    /// <summary>Of what is larger, content that is not wanted goes before it waits and not only when it is stored.</summary>
    private const long Large = 4 << 10;

    // The database is there until all services have stopped.
    private static readonly TimeSpan StopTime = TimeSpan.FromSeconds(5);

    private const decimal PicoPerNano = 1000;

    // Their traces go to this server's own store: the address is never asked for.
    private static readonly Uri Here = new("http://gateway.invalid");

    // The end of a trace's metadata: those of a gateway are of no program of ours.
    private static readonly byte[] NoProcess = "}"u8.ToArray();

    [ThreadStatic]
    private static TraceOutlet? _outlet;

    private readonly Channel<(TraceExport Export, RecordedCall Call, long Bytes)> _queue = Channel.CreateBounded<(TraceExport, RecordedCall, long)>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    private readonly StoringRoom _room = new(RoomBytes);
    private readonly Tracer _tracer;
    private readonly HttpCapture _capture;
    private readonly UnguardedStores _stores;
    private readonly BudgetBook _budgets;
    private readonly CallPricer _pricer;
    private readonly MlflowServerLimits _limits;
    private readonly ServerMeter _meter;
    private readonly ILogger _logger;
    private Task _storing = Task.CompletedTask;

    public GatewayRecorder(
        UnguardedStores stores, BudgetBook budgets, CurrentPrices prices, MlflowServerLimits limits, ServerMeter meter, TimeProvider timeProvider, ILoggerFactory loggers, ILogger<GatewayRecorder> logger)
    {
        _stores = stores;
        _budgets = budgets;
        _pricer = new CallPricer(() => prices.Table);
        _limits = limits;
        _meter = meter;
        _logger = logger;
        _tracer = new Tracer(() => _outlet ?? throw new InvalidOperationException("Only the gateway begins traces here."), timeProvider);
        Log = new SelfLog(loggers, timeProvider);
        _capture = new HttpCapture(_tracer, Log, new OpenAIAutologOptions(), _room.Wait);
        meter.WatchGateway(() => KeptBytes, () => WaitingBytes);
    }

    /// <summary>Memory of calls until they are recorded.</summary>
    public long KeptBytes => _capture.Budget.Held;

    /// <summary>Memory of recorded calls until they are stored.</summary>
    public long WaitingBytes => _room.Taken;

    /// <summary>Takes what is wrong with headers.</summary>
    public SelfLog Log { get; }

    /// <summary>A call is about to be passed on. <see cref="End"/> must follow.</summary>
    /// <param name="method">HTTP method.</param>
    /// <param name="operation">The operation, as <c>chat/completions</c>.</param>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="provider">The provider that is asked first.</param>
    /// <param name="call">What is known of it.</param>
    /// <param name="parent">The span of the client that it belongs below; null for a trace of its own.</param>
    public LlmCall? Begin(string method, string operation, GatewayEndpoint endpoint, GatewayProvider provider, RecordedCall call, RemoteContext? parent)
    {
        _outlet = new TraceOutlet(_tracer, new Exporter(this, call), () => new TraceDestination(Here, null, call.ExperimentId.ToString(CultureInfo.InvariantCulture))) { OfProcess = NoProcess };
        try
        {
            using var remote = _tracer.UseRemote(parent);
            if (_capture.Pass(ApiCatalog.Find(method, "/v1/" + operation) ?? ApiCatalog.ByShape) is not { } passed)
            {
                Uncounted();
                return null;
            }

            passed.IsForFigures = !call.IsTrace;
            var span = passed.Span;
            span.IsWithoutContent = !(endpoint.RecordContent && call.IsTrace);
            span.SetAttribute(AttributeNames.Endpoint, endpoint.Name);
            if (provider != GatewayProvider.Custom)
            {
                // The address may not tell: a provider's API stands behind names of companies' own, too.
                span.SetAttribute(AttributeNames.Provider, provider.Name);
            }

            span.Trace.Update(new TraceUpdate
            {
                Metadata =
                {
                    ["mlflow.gateway.endpointId"] = endpoint.Id,
                    ["mlflow.gateway.endpointName"] = endpoint.Name,
                    ["mlflow.gateway.requestType"] = operation,
                    [TraceKeys.SourceName] = "gateway/" + endpoint.Name,
                },
            });
            if (call.Replays is { } replays)
            {
                span.AddLink(replays.OtelTraceId, replays.SpanId);
                span.Trace.OfferMetadata(ReplayedCall.MetadataKey, replays.TraceId);
            }

            if (call.User.Length > 0)
            {
                span.Trace.OfferMetadata("mlflow.auth.username", call.User);
            }

            return passed;
        }
        finally
        {
            _outlet = null;
        }
    }

    /// <summary>The call is over.</summary>
    public void End(LlmCall? call, Exception? exception)
    {
        if (call is null)
        {
            return;
        }

        // Files and sounds have no tokens at their end.
        if (call.LastOrNull is { Succeeded: true, IsAnswerCut: true } answer && (answer.IsEventStream || answer.ResponseContentType?.StartsWith("application/json", StringComparison.OrdinalIgnoreCase) == true))
        {
            Uncounted();
        }

        _capture.Settle(call, exception);
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _storing = Task.Run(StoreAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    /// <summary>Stores what waits, for a while also where the time to stop is over: the calls have been answered.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        using var end = new CancellationTokenSource(StopTime);
        try
        {
            try
            {
                await _capture.DrainAsync(end.Token).ConfigureAwait(false);
            }
            finally
            {
                // Whatever comes later would find the database closed.
                _queue.Writer.TryComplete();
                _room.Open();
            }

            await _storing.WaitAsync(end.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            LogUnstored(_logger);
        }
    }

    public void Dispose() => _capture.Dispose();

    private async Task StoreAsync()
    {
        using var encoder = new ExportEncoder();
        var batch = new List<(TraceExport Export, RecordedCall Call)>(MaxBatch);
        while (await _queue.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            var bytes = 0L;
            while (batch.Count < MaxBatch && bytes < MaxBatchBytes && _queue.Reader.TryRead(out var item))
            {
                batch.Add((item.Export, item.Call));
                bytes += item.Bytes;
            }

            try
            {
                await StoreAsync(encoder, batch).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                // The loop must not end: the next batch may be stored again.
                Failed(batch.Count, e);
            }

            _room.GiveBack(bytes);
            batch.Clear();
        }
    }

    private async Task StoreAsync(ExportEncoder encoder, List<(TraceExport Export, RecordedCall Call)> batch)
    {
        var writing = new List<Task>(batch.Count);
        var usages = new Dictionary<(long, string, string), GatewayUsage>();
        foreach (var (export, call) in batch)
        {
            try
            {
                var (span, facts) = OtlpCalls.Encode(encoder, export, call.ExperimentId.ToString(CultureInfo.InvariantCulture));
                var request = new ExportTraceServiceRequest { ResourceSpans = { new ResourceSpans { ScopeSpans = { new ScopeSpans { Spans = { span } } } } } };
                var spans = OtlpDecoder.Decode(request, _limits).Spans;
                foreach (var recorded in spans)
                {
                    Add(usages, Usage(recorded, call));
                }

                if (call.IsTrace)
                {
                    var infos = facts.Length == 0 ? [] : (TraceInfo[])[TraceInfoJson.ReadStartTrace(RequestJson.Parse(facts, _limits))];
                    writing.Add(WriteAsync(new TraceBatch { Spans = spans, ExperimentId = call.ExperimentId, Infos = infos }));
                }
            }
            catch (Exception e) when (e is OtlpException or MlflowException)
            {
                Failed(1, e);
            }
        }

        writing.Add(_budgets.AddAsync(usages.Values));
        await Task.WhenAll(writing).ConfigureAwait(false);
    }

    private static void Add(Dictionary<(long, string, string), GatewayUsage> usages, GatewayUsage usage)
    {
        var key = (usage.HourMs, usage.EndpointId, usage.User);
        usages[key] = usages.TryGetValue(key, out var sum)
            ? sum with
            {
                Calls = sum.Calls + usage.Calls,
                FailedCalls = sum.FailedCalls + usage.FailedCalls,
                InputTokens = sum.InputTokens + usage.InputTokens,
                OutputTokens = sum.OutputTokens + usage.OutputTokens,
                NanoUsd = sum.NanoUsd + usage.NanoUsd,
            }
            : usage;
    }

    private GatewayUsage Usage(SpanRecord span, RecordedCall call)
    {
        var tokens = TokenCounts.Parse(span[AttributeNames.TokenUsage]);
        var cost = CallCost.Parse(_pricer.Price(span)[AttributeNames.Cost]);
        return call.Usage(span.StartNs / 1_000_000, span.Status == SpanStatus.Error, tokens.Input ?? 0, tokens.Output ?? 0, (long)Math.Ceiling((cost?.Total ?? 0) / PicoPerNano));
    }

    private async Task WriteAsync(TraceBatch batch)
    {
        try
        {
            await _stores.Traces.WriteAsync(batch, CancellationToken.None).ConfigureAwait(false);
            _meter.Ingested("span", batch.Spans.Count);
        }
        catch (Exception e)
        {
            Failed(1, e);
        }
    }

    private void Enqueue(TraceExport export, RecordedCall call)
    {
        var bytes = ExportSize.Estimate(export);
        if (bytes > Large)
        {
            foreach (var span in export.Spans.Where(span => span.IsWithoutContent))
            {
                export.Trace.Outlet.Privacy.Prepare(span);
            }

            bytes = ExportSize.Estimate(export);
        }

        _room.Take(bytes);
        if (!_queue.Writer.TryWrite((export, call, bytes)))
        {
            _room.GiveBack(bytes);
            export.Release();
            Failed(1, null);
        }
    }

    private void Uncounted()
    {
        _meter.Rejected("gateway_tokens");
        Log.Warn("gateway-tokens", "The tokens of some calls of the gateway are not known, and budgets do not count them: their answers were longer than can be kept, or more calls were under way.");
    }

    private void Failed(int count, Exception? exception)
    {
        _meter.Rejected("gateway_trace", count);
        if (exception is null)
        {
            // Thousands come at once where any do: a line for each would be a second load.
            Log.Warn("gateway-trace", "More calls of the gateway came than can wait to be stored: those beyond are in no trace and no budget, and count in mlflow_server_rejected_total.");
            return;
        }

        LogFailed(_logger, count, exception);
    }

    [LoggerMessage(LogLevel.Warning, "The server stops, and some calls of the gateway are not stored as traces.")]
    private static partial void LogUnstored(ILogger logger);

    [LoggerMessage(LogLevel.Warning, "{Count} calls of the gateway are in no trace and no budget: they could not be stored.")]
    private static partial void LogFailed(ILogger logger, int count, Exception exception);

    private sealed class Exporter(GatewayRecorder recorder, RecordedCall call) : ITraceExporter
    {
        public void Enqueue(TraceExport export, bool inBackground) => recorder.Enqueue(export, call);

        public bool ShowsRunning(TraceDestination destination) => false;
    }
}
