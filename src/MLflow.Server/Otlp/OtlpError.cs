using System.Text.Json.Serialization;

namespace MLflow.Server.Otlp;

/// <summary>The body of a refused OTLP request, as MLflow's server answers its own clients.</summary>
internal sealed record OtlpError([property: JsonPropertyName("detail")] string Detail);
