using System.Text.Json.Serialization;

namespace MLflow.Server.Gateway;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(GatewayModel))]
[JsonSerializable(typeof(GatewayEndpoint))]
[JsonSerializable(typeof(GatewayBinding))]
[JsonSerializable(typeof(GatewayBudget))]
internal sealed partial class GatewayJsonContext : JsonSerializerContext;
