namespace MLflow.Server.Otlp;

/// <summary>The two ways in which OTLP over HTTP is written, https://opentelemetry.io/docs/specs/otlp/#otlphttp</summary>
internal enum OtlpFormat
{
    Protobuf,
    Json,
}
