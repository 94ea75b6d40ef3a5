using System.Buffers;

namespace MLflow;

/// <summary>Names whose values are secret: of JSON members, headers, settings, parts of connection strings and parameters of URLs.</summary>
internal static class SecretNames
{
    /// <summary>A longer name is none of them.</summary>
    private const int MaxLength = 64;

    private static readonly (string End, SecretKind Kind)[] Ends =
    [
        ("password", SecretKind.Password),
        ("passwd", SecretKind.Password),
        ("pwd", SecretKind.Password),
        ("clientsecret", SecretKind.Password),
        ("accountkey", SecretKind.Password),
        ("accesskey", SecretKind.Key),
        ("secretkey", SecretKind.Key),
        ("apikey", SecretKind.Key),
        ("subscriptionkey", SecretKind.Key),
        ("functionskey", SecretKind.Key),
        ("accesssignature", SecretKind.Key),
        ("accesstoken", SecretKind.Key),
        ("refreshtoken", SecretKind.Key),
        ("authtoken", SecretKind.Key),
        ("awssessiontoken", SecretKind.Key),
        ("secret", SecretKind.Key),
        ("authorization", SecretKind.Authorization),
        ("cookie", SecretKind.Cookie),
    ];

    private static readonly string[] UrlNames =
        ["key", "apikey", "token", "accesstoken", "refreshtoken", "idtoken", "code", "sig", "signature", "password", "passwd", "pwd", "secret", "clientsecret",
         "subscriptionkey", "xamzsignature", "xamzsecuritytoken", "xamzcredential", "xgoogsignature", "xgoogcredential", "auth", "sessiontoken"];

    // The last letters of them all, and what may stand behind a name.
    private static readonly SearchValues<byte> LastBytes = SearchValues.Create("denty_-. DENTY"u8);

    private static readonly SearchValues<byte> Separators = SearchValues.Create((byte)'_', (byte)'-', (byte)'.', (byte)' ');

    /// <summary>What the end of a name says; what stands before it may be a word (<c>OPENAI_API_KEY</c>, <c>dbPassword</c>).</summary>
    public static SecretKind Of(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty || !LastBytes.Contains(name[^1]))
        {
            return SecretKind.None;
        }

        name = name.Length > MaxLength ? name[^MaxLength..] : name;
        foreach (var (end, kind) in Ends)
        {
            if (EndsWith(name, end))
            {
                return kind;
            }
        }

        return SecretKind.None;
    }

    /// <summary>Whether a URL's parameter of that name holds a secret.</summary>
    public static bool IsOfUrl(ReadOnlySpan<byte> name)
    {
        if (name.Length > MaxLength)
        {
            return false;
        }

        Span<byte> buffer = stackalloc byte[MaxLength];
        var plain = Plain(name, buffer);
        foreach (var secret in UrlNames)
        {
            if (plain.Length == secret.Length && EndsWith(plain, secret))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>In lower case, without what separates words.</summary>
    private static ReadOnlySpan<byte> Plain(ReadOnlySpan<byte> name, Span<byte> buffer)
    {
        var length = 0;
        foreach (var character in name)
        {
            if (!Separators.Contains(character))
            {
                buffer[length++] = character is >= (byte)'A' and <= (byte)'Z' ? (byte)(character | 0x20) : character;
            }
        }

        return buffer[..length];
    }

    /// <summary>Whether a name ends so, in either case and whatever separates its words. Each place of the work that has a part of one of them is looked at.</summary>
    private static bool EndsWith(ReadOnlySpan<byte> name, string end)
    {
        var left = end.Length;
        for (var at = name.Length - 1; at >= 0 && left > 0; at--)
        {
            var character = name[at];
            if ((character is >= (byte)'A' and <= (byte)'Z' ? character | 0x20 : character) == end[left - 1])
            {
                left--;
            }
            else if (!Separators.Contains(character))
            {
                return false;
            }
        }

        return left == 0;
    }
}
