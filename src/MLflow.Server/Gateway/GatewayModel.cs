using System.Text.Json.Serialization;

namespace MLflow.Server.Gateway;

/// <summary>A model of a provider, with the secret that it is called with: MLflow's model definition.</summary>
internal sealed record GatewayModel
{
    /// <summary>The kind of its documents.</summary>
    public const string Kind = "model";

    [JsonIgnore]
    public string Id { get; init; } = "";

    public required string Name { get; init; }

    /// <summary>Null where the secret was deleted: the model is passed over then.</summary>
    public string? SecretId { get; init; }

    public required string Provider { get; init; }

    /// <summary>As the provider calls it.</summary>
    public required string ModelName { get; init; }

    public long CreatedMs { get; init; }

    public long UpdatedMs { get; init; }

    public string? CreatedBy { get; init; }

    public string? UpdatedBy { get; init; }
}
