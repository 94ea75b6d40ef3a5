using System.Net.Http.Headers;

namespace MLflow;

/// <summary>Where a client finds its credentials. No record: a record tells its content to whoever makes it text.</summary>
internal sealed class CredentialSource
{
    private readonly AuthenticationHeaderValue? _given;
    private readonly Func<string, string?> _variable;

    private CredentialSource(AuthenticationHeaderValue? given, Func<string, string?> variable)
    {
        _given = given;
        _variable = variable;
    }

    public static CredentialSource OfEnvironment { get; } = new(null, Environment.GetEnvironmentVariable);

    /// <exception cref="ArgumentException">The options contradict themselves. The message has no credentials.</exception>
    public static CredentialSource Of(MlflowClientOptions options)
    {
        if (SettingRules.OfCredentials("", options) is { } mistake)
        {
            throw new ArgumentException(mistake, nameof(options));
        }

        var configured = options.Variable;
        return new CredentialSource(
            options switch
            {
                { TrackingToken: { Length: > 0 } token } => TrackingCredentials.Bearer(token),
                { TrackingUsername: { Length: > 0 } user } => TrackingCredentials.Basic($"{user}:{options.TrackingPassword}"),
                _ => null,
            },
            name => configured?.Invoke(name) is { Length: > 0 } value ? value : Environment.GetEnvironmentVariable(name));
    }

    /// <summary>May read a file: not on a thread of the program.</summary>
    public AuthenticationHeaderValue? For(Uri address) => _given ?? TrackingCredentials.For(address, _variable, TrackingCredentials.DefaultFile);
}
