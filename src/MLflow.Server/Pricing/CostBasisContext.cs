using System.Text.Json.Serialization;

namespace MLflow.Server.Pricing;

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(CostBasis))]
internal sealed partial class CostBasisContext : JsonSerializerContext;
