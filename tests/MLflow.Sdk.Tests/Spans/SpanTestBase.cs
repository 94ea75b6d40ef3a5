using MLflow.Sdk.Tests.Capture;
using Xunit;

namespace MLflow.Tests.Spans;

/// <summary>A tracer whose hand-overs are kept.</summary>
public abstract class SpanTestBase
{
    internal SpanTestBase() => Tracer = new Tracer(Exporter, () => new TraceDestination(new Uri("http://localhost:5000"), null, "0"), TimeProvider.System);

    internal RecordingExporter Exporter { get; } = new();

    internal Tracer Tracer { get; }

    private protected static CancellationToken Token => TestContext.Current.CancellationToken;

    internal LiveSpan Start(string name) => Tracer.StartSpan(name, SpanType.Unknown);
}
