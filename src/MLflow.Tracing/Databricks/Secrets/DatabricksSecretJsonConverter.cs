using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MLflow;

/// <summary>Writes a <see cref="DatabricksSecret"/> as <c>"[REDACTED]"</c>. Public for the source generator of System.Text.Json alone.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class DatabricksSecretJsonConverter : JsonConverter<DatabricksSecret>
{
    /// <summary>Not supported: a secret comes from its workspace.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    public override DatabricksSecret Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException($"A {nameof(DatabricksSecret)} is not read from JSON, where it shows as {SecretScrubber.Mark}: fetch it by {nameof(DatabricksSecrets)}.{nameof(DatabricksSecrets.GetAsync)}.");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, DatabricksSecret value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStringValue(SecretScrubber.Mark);
    }
}
