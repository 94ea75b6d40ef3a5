using System.Text.Json.Serialization;

namespace MLflow.Server.Gateway;

[JsonSerializable(typeof(string))]
internal sealed partial class GatewayTextContext : JsonSerializerContext;
