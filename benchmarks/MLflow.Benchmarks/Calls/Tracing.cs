namespace MLflow.Benchmarks.Calls;

/// <summary>Who watches the call.</summary>
public enum Tracing
{
    /// <summary>Nobody.</summary>
    None,

    /// <summary><c>Mlflow.OpenAI.Autolog()</c>.</summary>
    Mlflow,

    /// <summary>Microsoft.Extensions.AI's <c>UseOpenTelemetry</c> with content, and OpenTelemetry's OTLP exporter in its default batches.</summary>
    ExtensionsAI,
}
