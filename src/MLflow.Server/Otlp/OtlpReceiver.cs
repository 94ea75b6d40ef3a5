using System.Globalization;
using MLflow.Server.Access;
using MLflow.Server.Otlp.Protos;
using MLflow.Server.Rest;
using MLflow.Server.Storage;
using MLflow.Server.Telemetry;

namespace MLflow.Server.Otlp;

/// <summary>Takes what came by OTLP, over whichever transport, and answers when it is stored.</summary>
internal sealed class OtlpReceiver
{
    private readonly ITraceStore _store;
    private readonly OtlpExperiments _experiments;
    private readonly ServerMeter _meter;
    private readonly CurrentCaller _caller;

    public OtlpReceiver(ITraceStore store, OtlpExperiments experiments, MlflowServerLimits limits, ServerMeter meter, CurrentCaller caller)
    {
        Limits = limits;
        _meter = meter;
        _store = store;
        _experiments = experiments;
        _caller = caller;
    }

    public MlflowServerLimits Limits { get; }

    /// <returns>The answer, of how many traces the facts were stored, and how many calls were recorded.</returns>
    public async Task<(ExportTraceServiceResponse Response, int Facts, int RecordedCalls)> ReceiveAsync(ExportTraceServiceRequest request, OtlpSender sender, CancellationToken cancellationToken)
    {
        var traces = OtlpDecoder.Decode(request, Limits, sender.ExperimentId);
        var infos = traces.Facts.Select(facts => TraceInfoJson.ReadStartTrace(RequestJson.Parse(facts, Limits))).ToList();
        if (sender.ExperimentId is null && (await _caller.GetAsync().ConfigureAwait(false)).OnlyExperiment is { } only)
        {
            sender = sender with { ExperimentId = only.ToString(CultureInfo.InvariantCulture) };
        }

        await _store.WriteAsync(_experiments.Batch(traces.Spans, sender) with { Infos = infos }, cancellationToken).ConfigureAwait(false);
        _meter.Ingested("span", traces.Spans.Count);
        var response = new ExportTraceServiceResponse();
        if (traces.Rejected.Count > 0)
        {
            _meter.Rejected("span", traces.Rejected.Count);
            response.PartialSuccess = new ExportTracePartialSuccess { RejectedSpans = traces.Rejected.Count, ErrorMessage = traces.Rejected.Message };
        }

        return (response, infos.Count, traces.RecordedCalls);
    }

    public async Task<ExportLogsServiceResponse> ReceiveAsync(ExportLogsServiceRequest request, CancellationToken cancellationToken)
    {
        var logs = OtlpLogDecoder.Decode(request, Limits, out var rejected);
        await _store.WriteLogsAsync(logs, cancellationToken).ConfigureAwait(false);
        _meter.Ingested("log_record", logs.Count);
        var response = new ExportLogsServiceResponse();
        if (rejected.Count > 0)
        {
            _meter.Rejected("log_record", rejected.Count);
            response.PartialSuccess = new ExportLogsPartialSuccess { RejectedLogRecords = rejected.Count, ErrorMessage = rejected.Message };
        }

        return response;
    }

    /// <summary>Metrics are not kept. A failure would make collectors that send everything to one place give up on the traces in it, too.</summary>
    public static ExportMetricsServiceResponse Receive(ExportMetricsServiceRequest request)
    {
        var count = request.ResourceMetrics.SelectMany(resource => resource.ScopeMetrics).SelectMany(scope => scope.Metrics).Sum(metric => Points(metric.Gauge)
            + Points(metric.Sum) + Points(metric.Histogram) + Points(metric.ExponentialHistogram) + Points(metric.Summary));
        var response = new ExportMetricsServiceResponse();
        if (count > 0)
        {
            response.PartialSuccess = new ExportMetricsPartialSuccess
            {
                RejectedDataPoints = count,
                ErrorMessage = "This server keeps traces and no metrics: set OTEL_METRICS_EXPORTER=none, or send metrics elsewhere.",
            };
        }

        return response;

        static long Points(DataPoints? points) => points?.DataPoints_.Count ?? 0;
    }
}
