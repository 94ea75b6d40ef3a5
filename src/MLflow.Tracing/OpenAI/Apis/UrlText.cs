namespace MLflow;

/// <summary>Addresses as they may be recorded.</summary>
internal static class UrlText
{
    private static readonly string[] SecretNames = ["key", "api-key", "api_key", "apikey", "token", "access_token", "code", "sig", "signature", "password", "secret", "x-amz-signature", "x-amz-security-token", "x-amz-credential"];

    /// <summary>The address without user, password, fragment, and the values of query parameters that hold secrets.</summary>
    public static string WithoutSecrets(Uri uri)
    {
        if (IsPlain(uri))
        {
            return uri.AbsoluteUri;
        }

        var address = uri.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);
        return uri.Query.Length < 2
            ? address
            : address + "?" + string.Join('&', uri.Query[1..].Split('&').Select(part =>
                part.IndexOf('=', StringComparison.Ordinal) is > 0 and var at && IsSecret(part[..at]) ? part[..at] + "=REDACTED" : part));
    }

    /// <summary>Whether it has neither user nor query nor fragment, and so nothing that is left out.</summary>
    public static bool IsPlain(Uri uri) => uri.OriginalString.AsSpan().IndexOfAny('@', '?', '#') < 0;

    /// <summary>The query's parameters without those that hold secrets.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Query(Uri uri)
    {
        foreach (var part in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var at = part.IndexOf('=', StringComparison.Ordinal);
            var name = Decode(at < 0 ? part : part[..at]);
            if (!IsSecret(name))
            {
                yield return new(name, at < 0 ? "" : Decode(part[(at + 1)..]));
            }
        }
    }

    /// <summary>True for the name of a query parameter that holds a secret.</summary>
    public static bool IsSecret(string name) => SecretNames.Contains(name, StringComparer.OrdinalIgnoreCase);

    private static string Decode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));
}
