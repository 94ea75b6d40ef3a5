using System.Text;
using MLflow.Sdk.Tests.Capture;
using Xunit;

namespace MLflow.Weaver.Tests;

/// <summary>A tracer for each test, to which the woven methods of its flow report.</summary>
public abstract class TracedTestBase
{
    private static readonly AsyncLocal<Tracer?> Current = new();

    static TracedTestBase() => TracedCall.Source = () => Current.Value ?? Mlflow.Client.Tracer;

    internal TracedTestBase()
    {
        Outlet = SomeOutlet.Of(Exporter);
        Current.Value = Tracer;
    }

    internal RecordingExporter Exporter { get; } = new();

    internal TraceOutlet Outlet { get; }

    internal Tracer Tracer => Outlet.Tracer;

    private protected static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Lets the methods of this flow report to another tracer.</summary>
    internal IDisposable Use(Tracer tracer)
    {
        Current.Value = tracer;
        return new Back(Tracer);
    }

    internal static LiveSpan Start(string name) => Current.Value!.StartSpan(name, SpanType.Unknown);

    /// <summary>The only span that has ended.</summary>
    internal LiveSpan Span() => Assert.Single(Exporter.Spans);

    internal LiveSpan Span(string name) => Assert.Single(Exporter.Spans, span => span.Name == name);

    internal static string? Inputs(LiveSpan span) => Text(span, "mlflow.spanInputs");

    internal static string? Outputs(LiveSpan span) => Text(span, "mlflow.spanOutputs");

    /// <summary>An attribute as JSON; null when there is none.</summary>
    internal static string? Text(LiveSpan span, string key)
    {
        foreach (var (name, value) in span.EndedAttributes)
        {
            if (name == key)
            {
                return Json(value);
            }
        }

        return null;
    }

    internal static string Json(AttributeValue value) => value.Kind switch
    {
        AttributeValueKind.Null => "null",
        AttributeValueKind.Boolean => value.Boolean ? "true" : "false",
        AttributeValueKind.Int64 => value.Int64.ToString(System.Globalization.CultureInfo.InvariantCulture),
        AttributeValueKind.Double => value.Double.ToString(System.Globalization.CultureInfo.InvariantCulture),
        AttributeValueKind.String => $"\"{value.String}\"",
        _ => Encoding.UTF8.GetString(value.Json),
    };

    /// <summary>The ended spans as text, in the order of their starts: <c>a[b c]</c>.</summary>
    internal string Tree()
    {
        var spans = Exporter.Spans.OrderBy(span => span.StartNs).ToList();
        return Children(null);

        string Children(LiveSpan? parent) => string.Join(' ', spans.Where(span => span.Parent == parent).Select(Node));

        string Node(LiveSpan span) => Children(span) is { Length: > 0 } below ? $"{span.Name}[{below}]" : span.Name;
    }

    private sealed class Back(Tracer tracer) : IDisposable
    {
        public void Dispose() => Current.Value = tracer;
    }
}
