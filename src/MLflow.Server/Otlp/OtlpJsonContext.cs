using System.Text.Json.Serialization;

namespace MLflow.Server.Otlp;

[JsonSerializable(typeof(OtlpError))]
internal sealed partial class OtlpJsonContext : JsonSerializerContext;
