namespace MLflow.Server.Storage.Sql;

/// <summary>
/// LIKE: <c>%</c> stands for any text, <c>_</c> for one character, and nothing takes away their meaning. SQLite's own knows no case beyond ASCII,
/// and cannot be stopped within one long text.
/// </summary>
internal sealed class LikePattern
{
    /// <summary>Characters that are searched before the time is looked at again.</summary>
    private const int Window = 64 * 1024;

    private readonly string[] _parts;
    private readonly StringComparison _comparison;

    public LikePattern(string pattern, bool ignoreCase)
    {
        // What follows one % directly is nothing between two.
        var parts = pattern.Split('%');
        _parts = parts.Length <= 2 ? parts : [parts[0], .. parts[1..^1].Where(part => part.Length > 0), parts[^1]];
        _comparison = ignoreCase ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
    }

    public bool IsMatch(ReadOnlySpan<char> text, SearchClock clock)
    {
        var start = StartLength(text, _parts[0]);
        if (start < 0 || _parts.Length == 1)
        {
            return start == text.Length;
        }

        text = text[start..];
        var end = EndLength(text, _parts[^1]);
        if (end < 0)
        {
            return false;
        }

        // The first place for each part leaves most room for the next ones.
        text = text[..^end];
        for (var i = 1; i < _parts.Length - 1; i++)
        {
            var next = Find(text, _parts[i], clock);
            if (next < 0)
            {
                return false;
            }

            text = text[next..];
        }

        return true;
    }

    /// <summary>How far the text goes that ends with the first occurrence of the part; -1 when there is none.</summary>
    private int Find(ReadOnlySpan<char> text, string part, SearchClock clock)
    {
        var hasWildcard = part.Contains('_', StringComparison.Ordinal);
        for (var from = 0; from < text.Length; from += Window)
        {
            clock.ThrowIfOver();
            if (!hasWildcard)
            {
                var found = text.Slice(from, Math.Min(Window + part.Length - 1, text.Length - from)).IndexOf(part, _comparison);
                if (found >= 0)
                {
                    return from + found + part.Length;
                }

                continue;
            }

            for (var at = from; at < Math.Min(from + Window, text.Length); at++)
            {
                if (StartLength(text[at..], part) is var length and >= 0)
                {
                    return at + length;
                }
            }
        }

        return -1;
    }

    /// <summary>Characters of the text's beginning that the part takes; -1 when it does not stand there.</summary>
    private int StartLength(ReadOnlySpan<char> text, string part)
    {
        var at = 0;
        foreach (var character in part)
        {
            if (at == text.Length || (character != '_' && !AreEqual(character, text[at])))
            {
                return -1;
            }

            at += character == '_' && at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]) ? 2 : 1;
        }

        return at;
    }

    /// <summary>Characters of the text's end that the part takes; -1 when it does not stand there.</summary>
    private int EndLength(ReadOnlySpan<char> text, string part)
    {
        var at = text.Length;
        for (var i = part.Length - 1; i >= 0; i--)
        {
            if (at == 0 || (part[i] != '_' && !AreEqual(part[i], text[at - 1])))
            {
                return -1;
            }

            at -= part[i] == '_' && at > 1 && char.IsSurrogatePair(text[at - 2], text[at - 1]) ? 2 : 1;
        }

        return text.Length - at;
    }

    private bool AreEqual(char pattern, char text) =>
        pattern == text || (_comparison == StringComparison.OrdinalIgnoreCase && char.ToUpperInvariant(pattern) == char.ToUpperInvariant(text));
}
