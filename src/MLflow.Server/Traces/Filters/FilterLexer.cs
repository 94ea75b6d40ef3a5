using System.Text;

namespace MLflow.Server.Traces.Filters;

/// <summary>Cuts a filter such as <c>status = 'OK' AND tags.`my key` LIKE "a%"</c> into tokens.</summary>
internal sealed class FilterLexer
{
    private readonly string _text;
    private readonly string _source;
    private int _at;

    private FilterLexer(string text, string source)
    {
        _text = text;
        _source = source;
    }

    /// <param name="text">The filter, or one key of an order.</param>
    /// <param name="source">What it is, for errors.</param>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: too long, a character that is none, or a quote without its end.</exception>
    public static IReadOnlyList<FilterToken> Read(string text, string source)
    {
        if (text.Length > FilterLimits.MaxLength)
        {
            throw new MlflowException(
                ErrorCode.INVALID_PARAMETER_VALUE, $"The {source} has {text.Length} characters; at most {FilterLimits.MaxLength} are allowed.");
        }

        RequireCharacters(text, source);
        return new FilterLexer(text, source).All();
    }

    private List<FilterToken> All()
    {
        var tokens = new List<FilterToken>();
        while (true)
        {
            while (_at < _text.Length && char.IsWhiteSpace(_text[_at]))
            {
                _at++;
            }

            var start = _at;
            if (_at == _text.Length)
            {
                tokens.Add(new FilterToken(FilterTokenKind.End, string.Empty, string.Empty, start + 1));
                return tokens;
            }

            var kind = ReadOne(out var text);
            tokens.Add(new FilterToken(kind, text, _text[start.._at], start + 1));
        }
    }

    private FilterTokenKind ReadOne(out string text)
    {
        var start = _at;
        var first = _text[_at];
        if (first is '\'' or '"' && !IsQuotedPrefix())
        {
            text = Quoted();
            return FilterTokenKind.Text;
        }

        if (IsDigit(_at) || (first is '-' or '.' && IsDigit(_at + 1)) || (first == '-' && _at + 1 < _text.Length && _text[_at + 1] == '.' && IsDigit(_at + 2)))
        {
            _at++;
            while (_at < _text.Length && (char.IsAsciiLetterOrDigit(_text[_at]) || _text[_at] == '.' || (_text[_at] is '-' or '+' && _text[_at - 1] is 'e' or 'E')))
            {
                _at++;
            }

            text = _text[start.._at];
            return FilterTokenKind.Number;
        }

        if (IsWordCharacter(first) || first is '`' or '"' or '\'')
        {
            text = Word();
            return FilterTokenKind.Word;
        }

        _at++;
        if (first is '!' or '<' or '>' && _at < _text.Length && _text[_at] == '=')
        {
            _at++;
        }

        text = _text[start.._at];
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

    // "tags"."k" = 'x': a quoted part of a path, told from a value by the dot that follows.
    private bool IsQuotedPrefix()
    {
        var end = _text.IndexOf(_text[_at], _at + 1);
        return end >= 0 && end + 1 < _text.Length && _text[end + 1] == '.';
    }

    // The parts between dots are joined again without their quotes; only the first dot has a meaning, in FilterParser.
    private string Word()
    {
        var word = new StringBuilder();
        while (_at < _text.Length)
        {
            if (_text[_at] is '`' or '"' or '\'' && (word.Length == 0 || word[^1] == '.'))
            {
                word.Append(Quoted());
            }
            else if (IsWordCharacter(_text[_at]))
            {
                word.Append(_text[_at++]);
            }
            else
            {
                break;
            }
        }

        return word.ToString();
    }

    private string Quoted()
    {
        var end = _text.IndexOf(_text[_at], _at + 1);
        if (end < 0)
        {
            throw new MlflowException(
                ErrorCode.INVALID_PARAMETER_VALUE,
                $"Invalid clause(s) in {_source}: '{FilterError.Shown(_text[_at..])}'. The quote at position {_at + 1} is not closed.")
            {
                Position = _at + 1,
            };
        }

        var text = _text[(_at + 1)..end];
        _at = end + 1;
        return text;
    }

    private static void RequireCharacters(string text, string source)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\0')
            {
                throw FilterError.At($"Invalid clause(s) in {source}: it has the character U+0000, which no stored text is compared with", i + 1);
            }

            if (!char.IsSurrogate(text[i]))
            {
                continue;
            }

            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
            {
                throw FilterError.At($"Invalid clause(s) in {source}: it has half of a surrogate pair, which is no character", i + 1);
            }

            i++;
        }
    }

    private bool IsDigit(int at) => at < _text.Length && char.IsAsciiDigit(_text[at]);

    private static bool IsWordCharacter(char character) => char.IsLetterOrDigit(character) || character is '_' or '.' or '-' or '/' or ':' or '$' or '@';
}
