using System.Text.Json.Serialization;

namespace MLflow.Server.Pricing;

/// <summary>What a cost was told from, or why it is not known: the value of <c>mlflow.llm.cost_basis</c>.</summary>
internal sealed class CostBasis
{
    /// <summary>Version of the price table.</summary>
    [JsonPropertyName("prices")]
    public required string Version { get; init; }

    [JsonPropertyName("provider")]
    public string? Provider { get; set; }

    /// <summary>The table's name or pattern of the model.</summary>
    [JsonPropertyName("model")]
    public string? Model { get; set; }

    /// <summary>The service tier, where it is not the standard one.</summary>
    [JsonPropertyName("tier")]
    public string? Tier { get; set; }

    /// <summary>What was assumed.</summary>
    [JsonPropertyName("notes")]
    public List<string>? Notes { get; set; }

    /// <summary>Why the cost is not known.</summary>
    [JsonPropertyName("unknown")]
    public string? Unknown { get; set; }
}
