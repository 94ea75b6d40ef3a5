namespace MLflow.Server.Secrets;

/// <summary>Where a secret may be sent: the one address in its <c>auth_config</c>, or its provider's own.</summary>
internal static class SecretDestination
{
    public const string ApiBase = "api_base";

    /// <summary>Of Azure's addresses of deployments.</summary>
    public const string ApiVersion = "api_version";

    /// <summary>The address in one form; empty for the provider's own.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: it is no address of an API.</exception>
    public static string Of(IReadOnlyDictionary<string, string> authConfig)
    {
        if (authConfig.GetValueOrDefault(ApiBase) is not { Length: > 0 } text)
        {
            return "";
        }

        return Parse(text).AbsoluteUri.TrimEnd('/');
    }

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: it is no address of an API.</exception>
    public static Uri Parse(string text)
    {
        // User information is not repeated: it may be a password.
        var shown = text.Contains('@', StringComparison.Ordinal) || text.Length > 200 ? "" : $" '{text}'";
        return Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "https" or "http" && uri.Host.Length > 0
            && uri is { UserInfo: "", Query: "", Fragment: "" } && !text.Any(char.IsControl) && !text.Contains('\\', StringComparison.Ordinal) && !text.AsSpan().ContainsAny('?', '#')
            ? uri
            : throw new MlflowException(
                ErrorCode.INVALID_PARAMETER_VALUE, $"{ApiBase}{shown} is no address of an API: write it as https://host/v1, without user, question mark and number sign.")
            { Field = ApiBase };
    }
}
