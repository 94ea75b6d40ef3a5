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

    private static readonly SearchValues<byte> Separators = SearchValues.Create((byte)'_', (byte)'-', (byte)'.', (byte)' ');

    /// <summary>What the end of a name says; what stands before it may be a word (<c>OPENAI_API_KEY</c>, <c>dbPassword</c>).</summary>
    public static SecretKind Of(ReadOnlySpan<byte> name)
    {
        name = name.Length > MaxLength ? name[^MaxLength..] : name;
        name = name[..(name.LastIndexOfAnyExcept(Separators) + 1)];
        foreach (var (end, kind) in Ends)
        {
            // Hardly any name ends as one of them, and most of those that do not show it by their last letter.
            if (!name.IsEmpty && Lower(name[^1]) == end[^1] && EndsWith(name, end))
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

    private static byte Lower(byte character) => character is >= (byte)'A' and <= (byte)'Z' ? (byte)(character | 0x20) : character;

    /// <summary>In lower case, without what separates words.</summary>
    private static ReadOnlySpan<byte> Plain(ReadOnlySpan<byte> name, Span<byte> buffer)
    {
        var length = 0;
        foreach (var character in name)
        {
            if (!Separators.Contains(character))
            {
                buffer[length++] = Lower(character);
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
            if (Lower(character) == end[left - 1])
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
