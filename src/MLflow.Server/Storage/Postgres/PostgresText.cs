using System.Text;

namespace MLflow.Server.Storage.Postgres;

/// <summary>
/// Any text of ours in a column of PostgreSQL, which cannot hold U+0000: it is written as U+0001 U+0001, and U+0001 itself as U+0001 U+0002.
/// Equality and order stay what they are. Halves of surrogate pairs become U+FFFD, as in SQLite.
/// </summary>
internal static class PostgresText
{
    private const char Escape = '\u0001';
    private const char Replacement = '\uFFFD';

    public static string Encode(string text)
    {
        if (!text.AsSpan().ContainsAny('\0', Escape) && !text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
        {
            return text;
        }

        var encoded = new StringBuilder(text.Length + 8);
        for (var i = 0; i < text.Length; i++)
        {
            var character = text[i];
            if (character is '\0' or Escape)
            {
                encoded.Append(Escape).Append((char)(character + 1));
            }
            else if (!char.IsSurrogate(character))
            {
                encoded.Append(character);
            }
            else if (i + 1 < text.Length && char.IsSurrogatePair(character, text[i + 1]))
            {
                encoded.Append(character).Append(text[++i]);
            }
            else
            {
                encoded.Append(Replacement);
            }
        }

        return encoded.ToString();
    }

    public static string Decode(string text)
    {
        if (!text.Contains(Escape, StringComparison.Ordinal))
        {
            return text;
        }

        var decoded = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            decoded.Append(text[i] == Escape && i + 1 < text.Length ? (char)(text[++i] - 1) : text[i]);
        }

        return decoded.ToString();
    }
}
