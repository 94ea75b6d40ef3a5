using System.Text.Json.Serialization;

namespace MLflow.Server.Secrets;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StoredSecret))]
[JsonSerializable(typeof(Dictionary<string, string>))]
internal sealed partial class SecretJsonContext : JsonSerializerContext;
