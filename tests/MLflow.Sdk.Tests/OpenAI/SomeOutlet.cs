namespace MLflow.Sdk.Tests.Capture;

/// <summary>A tracer without a client: its traces go to an exporter of the test's.</summary>
internal static class SomeOutlet
{
    public static TraceOutlet Of(ITraceExporter exporter, double samplingRatio = 1, TimeProvider? time = null)
    {
        TraceOutlet? outlet = null;
        var destination = new TraceDestination(new Uri("http://localhost:5000"), null, "0");
        return outlet = new TraceOutlet(new Tracer(() => outlet!, time ?? TimeProvider.System), exporter, () => destination) { SamplingRatio = samplingRatio };
    }
}
