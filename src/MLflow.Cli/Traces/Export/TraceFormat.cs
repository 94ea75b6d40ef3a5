namespace MLflow.Cli.Traces.Export;

/// <summary>What one line of an export is.</summary>
internal enum TraceFormat
{
    /// <summary>A trace whole, as Python's <c>Trace.to_json()</c> writes it.</summary>
    Mlflow,

    /// <summary>The spans of a trace as an OTLP request in JSON, as OpenTelemetry's file exporters write them.</summary>
    Otlp,
}
