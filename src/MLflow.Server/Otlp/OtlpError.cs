using System.Text.Json.Serialization;

namespace MLflow.Server.Otlp;

/// <summary>The body of a refused OTLP request.</summary>
internal sealed record OtlpError([property: JsonPropertyName("detail")] string Detail);
