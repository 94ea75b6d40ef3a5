using System.Text.Json.Serialization;

namespace MLflow.Server.Gateway;

/// <summary>Something that uses an endpoint.</summary>
internal sealed record GatewayBinding
{
    /// <summary>The kind of its documents.</summary>
    public const string Kind = "binding";

    [JsonIgnore]
    public string Id => $"binding/{EndpointId}/{ResourceType}/{ResourceId}";

    public required string EndpointId { get; init; }

    public required string ResourceType { get; init; }

    public required string ResourceId { get; init; }

    public long CreatedMs { get; init; }

    public string? CreatedBy { get; init; }
}
