using MLflow.Tests.Export;

namespace MLflow.Tests;

/// <summary>Things that tests start from.</summary>
internal static class Some
{
    public static MlflowClient Client(LoopbackServer server, string? experiment = null) => Client(server.Address, experiment);

    public static MlflowClient Client(string address, string? experiment = null, RecordingLog? log = null, TimeProvider? time = null) => new(new MlflowClientOptions
    {
        TrackingUri = address,
        Experiment = experiment,
        LoggerFactory = log ?? new RecordingLog(),
        TimeProvider = time,
    });

    public static LiveSpan EndedSpan(Tracer tracer, string name = "x")
    {
        var span = tracer.StartDetached(name, SpanType.Unknown, parent: null);
        span.Dispose();
        return span;
    }

    public static EncodedExport Encoded(params IReadOnlyList<LiveSpan> spans)
    {
        using var encoder = new ExportEncoder();
        return encoder.Encode(new TraceExport(spans[0].Trace, spans, IsComplete: true), new ExportMemory(), withPreviews: true);
    }
}
