namespace MLflow.Cli.Traces.Export;

/// <summary>What an export writes.</summary>
internal enum TraceFormat
{
    /// <summary>Lines, each a trace whole, as Python's <c>Trace.to_json()</c> writes it.</summary>
    Mlflow,

    /// <summary>Lines, each the spans of a trace as an OTLP request in JSON, as OpenTelemetry's file exporters write them.</summary>
    Otlp,

    /// <summary>A Parquet file with a row for each span.</summary>
    Parquet,
}
