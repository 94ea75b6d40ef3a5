namespace MLflow.Benchmarks.Calls;

/// <summary>What traces the calls.</summary>
internal enum Tracing
{
    None,

    /// <summary><c>Mlflow.OpenAI.Autolog()</c>, sent to a server that speaks as ours does.</summary>
    Autolog,

    /// <summary>Microsoft.Extensions.AI's <c>UseOpenTelemetry</c> with content, sent by OpenTelemetry's OTLP exporter.</summary>
    ExtensionsAI,
}
