using System.Globalization;
using MLflow.Server.Traces;

namespace MLflow.Server.Otlp;

/// <summary>Finds the experiment of what comes by OTLP: the one that the request names, else that of its service, else that of its token, else the default one.</summary>
internal sealed class OtlpExperiments
{
    private const long DefaultExperiment = 0;
    private const string ServiceName = "service.name";

    private readonly IReadOnlyDictionary<string, long> _services;
    private readonly IReadOnlyDictionary<string, long> _tokens;

    public OtlpExperiments(IReadOnlyDictionary<string, long> services, IReadOnlyDictionary<string, long> tokens)
    {
        _services = services;
        _tokens = tokens;
    }

    /// <summary>The spans with their experiments: one for the request, and others for traces whose service has its own.</summary>
    /// <exception cref="MlflowException">The request names something that is no id.</exception>
    public TraceBatch Batch(IReadOnlyList<SpanRecord> spans, OtlpSender sender)
    {
        if (sender.ExperimentId is { } id)
        {
            return long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var experimentId)
                ? new TraceBatch { Spans = spans, ExperimentId = experimentId }
                : throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid experiment ID '{id}'. Experiment ID must be a valid integer.");
        }

        var traces = new Dictionary<string, long>();
        if (_services.Count > 0)
        {
            foreach (var span in spans)
            {
                // A trace of several services is its root's, and without a root that of the first of them.
                if (ServiceOf(span) is { } service && _services.TryGetValue(service, out var experimentId) && (span.ParentSpanId is null || !traces.ContainsKey(span.TraceId)))
                {
                    traces[span.TraceId] = experimentId;
                }
            }
        }

        return new TraceBatch
        {
            Spans = spans,
            ExperimentId = sender.Token is { } token && _tokens.TryGetValue(token, out var ofToken) ? ofToken : DefaultExperiment,
            TraceExperiments = traces,
        };
    }

    private static string? ServiceOf(SpanRecord span)
    {
        foreach (var (key, value) in span.Resource)
        {
            if (key == ServiceName)
            {
                return StoredJson.String(value);
            }
        }

        return null;
    }
}
