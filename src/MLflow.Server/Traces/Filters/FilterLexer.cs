namespace MLflow.Server.Traces.Filters;

/// <summary>Cuts a filter such as <c>status = 'OK' AND tags.`my key` LIKE "a%"</c> into tokens.</summary>
internal static class FilterLexer
{
    public static List<FilterToken> Read(string filter)
    {
        var tokens = new List<FilterToken>();
        var at = 0;
        while (true)
        {
            while (at < filter.Length && char.IsWhiteSpace(filter[at]))
            {
                at++;
            }

            var start = at;
            if (at == filter.Length)
            {
                tokens.Add(new FilterToken(FilterTokenKind.End, string.Empty, string.Empty, start + 1));
                return tokens;
            }

            var kind = ReadOne(filter, ref at, out var text);
            tokens.Add(new FilterToken(kind, text, filter[start..at], start + 1));
        }
    }

    private static FilterTokenKind ReadOne(string filter, ref int at, out string text)
    {
        var start = at;
        var first = filter[at];
        if (first is '\'' or '"' && !IsQuotedKey(filter, at))
        {
            text = Quoted(filter, ref at);
            return FilterTokenKind.Text;
        }

        if (IsDigit(filter, at) || (first is '-' or '.' && IsDigit(filter, at + 1)))
        {
            at++;
            while (at < filter.Length && (char.IsAsciiLetterOrDigit(filter[at]) || filter[at] is '.' || (filter[at] is '-' or '+' && filter[at - 1] is 'e' or 'E')))
            {
                at++;
            }

            text = filter[start..at];
            return FilterTokenKind.Number;
        }

        if (IsWordCharacter(first) || first is '`' or '"' or '\'')
        {
            text = Word(filter, ref at);
            return FilterTokenKind.Word;
        }

        at++;
        if (first is '!' or '<' or '>' && at < filter.Length && filter[at] == '=')
        {
            at++;
        }

        text = filter[start..at];
        return text switch
        {
            "=" or "!=" or "<" or "<=" or ">" or ">=" => FilterTokenKind.Operator,
            "(" => FilterTokenKind.Open,
            ")" => FilterTokenKind.Close,
            "," => FilterTokenKind.Comma,
            ";" => FilterTokenKind.Semicolon,
            _ => FilterTokenKind.Unknown,
        };
    }

    // tags."my key" = 'x' and "tags"."k": a quoted part of a path, told from a value by the dot that follows or precedes it.
    private static bool IsQuotedKey(string filter, int at)
    {
        var end = filter.IndexOf(filter[at], at + 1);
        return end >= 0 && end + 1 < filter.Length && filter[end + 1] == '.';
    }

    // The parts between dots are joined again without their quotes; only the first dot has a meaning, in FilterParser.
    private static string Word(string filter, ref int at)
    {
        var word = new System.Text.StringBuilder();
        while (at < filter.Length)
        {
            if (filter[at] is '`' || (filter[at] is '"' or '\'' && (word.Length == 0 || word[^1] == '.')))
            {
                word.Append(Quoted(filter, ref at));
            }
            else if (IsWordCharacter(filter[at]))
            {
                word.Append(filter[at++]);
            }
            else
            {
                break;
            }
        }

        return word.ToString();
    }

    private static string Quoted(string filter, ref int at)
    {
        var end = filter.IndexOf(filter[at], at + 1);
        if (end < 0)
        {
            throw new MlflowException(
                ErrorCode.INVALID_PARAMETER_VALUE,
                $"Invalid clause(s) in filter string: '{filter[at..]}'. The quote at position {at + 1} is not closed.");
        }

        var text = filter[(at + 1)..end];
        at = end + 1;
        return text;
    }

    private static bool IsDigit(string filter, int at) => at < filter.Length && char.IsAsciiDigit(filter[at]);

    private static bool IsWordCharacter(char character) => char.IsLetterOrDigit(character) || character is '_' or '.' or '-' or '/' or ':' or '$' or '@';
}
