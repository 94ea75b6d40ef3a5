using MLflow.Sdk.Tests.Capture;
using Xunit;

namespace MLflow.Tests.Spans;

/// <summary>A tracer whose hand-overs are kept.</summary>
public abstract class SpanTestBase
{
    internal SpanTestBase() => Outlet = SomeOutlet.Of(Exporter);

    internal RecordingExporter Exporter { get; } = new();

    internal TraceOutlet Outlet { get; }

    internal Tracer Tracer => Outlet.Tracer;

    private protected static CancellationToken Token => TestContext.Current.CancellationToken;

    internal LiveSpan Start(string name) => Tracer.StartSpan(name, SpanType.Unknown);
}
