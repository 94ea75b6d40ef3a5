using System.Text.Json.Serialization;

namespace MLflow.Server.Secrets;

/// <summary>A secret as it is stored: its values encrypted with a key of its own, and that with a key of the <see cref="KeyRing"/>.</summary>
internal sealed record StoredSecret
{
    /// <summary>The kind of its documents.</summary>
    public const string Kind = "secret";

    /// <summary>As MLflow's server encrypts: bound to id and name.</summary>
    public const int FormatOfMlflow = 1;

    /// <summary>As this server encrypts: bound to provider and destination, too.</summary>
    public const int FormatOfOurs = 2;

    [JsonIgnore]
    public string Id { get; init; } = "";

    public required string Name { get; init; }

    public required string Provider { get; init; }

    /// <summary>What is no secret: <c>api_base</c>, <c>api_version</c> and the like.</summary>
    public IReadOnlyDictionary<string, string> AuthConfig { get; init; } = new Dictionary<string, string>();

    /// <summary>What is shown of each value.</summary>
    public IReadOnlyDictionary<string, string> Masked { get; init; } = new Dictionary<string, string>();

    public required byte[] EncryptedValue { get; init; }

    public required byte[] WrappedKey { get; init; }

    public required int KeyVersion { get; init; }

    public required int Format { get; init; }

    public long CreatedMs { get; init; }

    public long UpdatedMs { get; init; }

    public string? CreatedBy { get; init; }

    public string? UpdatedBy { get; init; }
}
