using System.Text.Json.Serialization;

namespace MLflow.Server.Gateway;

/// <summary>What programs call as their model: one or several models of providers, and how calls go to them.</summary>
internal sealed record GatewayEndpoint
{
    /// <summary>The kind of its documents.</summary>
    public const string Kind = "endpoint";

    [JsonIgnore]
    public string Id { get; init; } = "";

    public required string Name { get; init; }

    /// <summary>Other names by which it is called, as that of the model that programs have always asked for.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    public required IReadOnlyList<ModelMapping> Models { get; init; }

    /// <summary>Fallbacks that are tried at most; null for all.</summary>
    public int? MaxAttempts { get; init; }

    /// <summary>Further tries of one model before the next is asked.</summary>
    public int Retries { get; init; }

    /// <summary>Where its traces go. Who may send traces there may call it.</summary>
    public required long ExperimentId { get; init; }

    /// <summary>Whether each call is a trace.</summary>
    public bool UsageTracking { get; init; } = true;

    /// <summary>Whether a trace has what was asked and answered.</summary>
    public bool RecordContent { get; init; }

    public IReadOnlyList<RateLimit> RateLimits { get; init; } = [];

    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();

    public long CreatedMs { get; init; }

    public long UpdatedMs { get; init; }

    public string? CreatedBy { get; init; }

    public string? UpdatedBy { get; init; }

    public bool IsCalled(string name) => Name == name || Aliases.Contains(name);
}
