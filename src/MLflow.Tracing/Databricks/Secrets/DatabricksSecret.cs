using System.ClientModel;
using System.Diagnostics;
using System.Text;
using System.Text.Json.Serialization;

namespace MLflow;

/// <summary>
/// The value of a secret. It shows as <c>[REDACTED]</c> wherever it is printed: in texts, logs, JSON and the debugger. What <see cref="Reveal"/> gives is an ordinary string, which
/// tracing knows and takes out of everything that it records, sends or logs, for the life of the process.
/// </summary>
[DebuggerDisplay(SecretScrubber.Mark)]
[JsonConverter(typeof(DatabricksSecretJsonConverter))]
public sealed class DatabricksSecret
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private readonly KnownSecret _known;

    internal DatabricksSecret(string scope, string key, KnownSecret known)
    {
        Scope = scope;
        Key = key;
        _known = known;
    }

    /// <summary>The scope it is in.</summary>
    public string Scope { get; }

    /// <summary>Its name there.</summary>
    public string Key { get; }

    /// <summary>The value in clear.</summary>
    /// <exception cref="FormatException">The value is no UTF-8 text: use <see cref="RevealBytes"/>.</exception>
    public string Reveal()
    {
        KnownSecrets.Keep(_known);
        try
        {
            return Strict.GetString(_known.Value);
        }
        catch (DecoderFallbackException)
        {
            // Without the cause, whose message has bytes of the value.
            throw new FormatException($"The secret '{Key}' of scope '{Scope}' is no UTF-8 text: read it by {nameof(RevealBytes)}().");
        }
    }

    /// <summary>The value in clear, as bytes that are the caller's own.</summary>
    public byte[] RevealBytes()
    {
        KnownSecrets.Keep(_known);
        return _known.Value.ToArray();
    }

    /// <summary>The value as a key for clients of OpenAI and others, without blanks and line feeds around it, which no key has.</summary>
    /// <exception cref="FormatException">The value is empty or no UTF-8 text.</exception>
    public ApiKeyCredential ToApiKeyCredential() => Reveal().Trim() is { Length: > 0 } key
        ? new ApiKeyCredential(key)
        : throw new FormatException($"The secret '{Key}' of scope '{Scope}' is empty, which is no key: store one by {nameof(DatabricksSecrets)}.{nameof(DatabricksSecrets.PutAsync)}.");

    /// <summary><c>[REDACTED]</c>.</summary>
    public override string ToString() => SecretScrubber.Mark;
}
