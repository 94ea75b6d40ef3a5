using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.TextIndex;

/// <summary>What must stand in the text of a trace where a condition holds.</summary>
internal static class TextTerm
{
    /// <summary>More would be read for little: what has eight of a term has nearly always the rest.</summary>
    private const int MaxGrams = 8;

    private const int HexDigits = 4;

    /// <summary>What stands in a span's JSON without standing in its text.</summary>
    private static readonly string[] Words = ["name", "type", "status", "status_message", "attributes", "events", "UNSET", "OK", "ERROR", "null"];

    /// <summary>The grams of which a trace must have each; none where the index cannot help.</summary>
    public static IReadOnlyList<TextGram> Of(TraceCondition condition) => condition.Field switch
    {
        TraceField.Text when IsLike(condition) => Grams(Pieces(condition)),
        TraceField.SpanContent when IsLike(condition) => Grams(Pieces(condition).SelectMany(JsonRuns)),
        TraceField.SpanAttribute when condition.Operator != FilterOperator.IsNull => Grams([condition.Key!, .. OfAttribute(condition)]),
        _ => [],
    };

    private static bool IsLike(TraceCondition condition) => condition.Operator is FilterOperator.Like or FilterOperator.ILike;

    private static string[] Pieces(TraceCondition condition) => ((string)condition.Values[0]).Split('%', '_');

    /// <summary>An attribute is compared as its JSON and as the text that it is, and a number as a number.</summary>
    private static IEnumerable<string> OfAttribute(TraceCondition condition) => condition.Operator switch
    {
        FilterOperator.Like or FilterOperator.ILike => Pieces(condition).SelectMany(JsonRuns),
        FilterOperator.Equal when !SpanMatch.IsNumber((string)condition.Values[0]) => JsonRuns((string)condition.Values[0]),
        _ => [],
    };

    private static List<TextGram> Grams(IEnumerable<string> pieces)
    {
        var grams = new List<TextGram>();
        foreach (var piece in pieces)
        {
            var folded = piece.Select((character, i) => TextGrams.Fold(character, i == 0 ? default : piece[i - 1])).ToArray();
            if (folded.Length == 2)
            {
                grams.Add(new TextGram(TextGrams.FirstOf(folded[0], folded[1]), TextGrams.OfPair));
            }

            for (var i = 2; i < folded.Length; i++)
            {
                grams.Add(new TextGram(TextGrams.Of(folded[i - 2], folded[i - 1], folded[i]), 1));
            }
        }

        grams = [.. grams.Distinct()];
        return grams.Count <= MaxGrams ? grams : [.. Enumerable.Range(0, MaxGrams).Select(i => grams[i * (grams.Count - 1) / (MaxGrams - 1)])];
    }

    /// <summary>
    /// Of a piece of a span's JSON, the runs of characters that stand alike in its text. What ends them is JSON's own: quotes, braces, escapes and the spaces around them.
    /// The piece may begin within an escape (<c>\nfoo</c>, found by <c>nfoo</c>), so what may be the rest of one does not count.
    /// </summary>
    internal static IEnumerable<string> JsonRuns(string piece)
    {
        var from = EscapeLength(piece);
        for (var at = from; at <= piece.Length; at++)
        {
            if (at < piece.Length && piece[at] is >= ' ' and not ('"' or '\\' or '{' or '}' or '[' or ']' or ':' or ','))
            {
                continue;
            }

            var run = piece[from..at].Trim(' ');
            if (!Words.Any(word => word.Contains(run, StringComparison.OrdinalIgnoreCase)))
            {
                yield return run;
            }

            if (at < piece.Length && piece[at] == '\\')
            {
                at += Math.Max(1, EscapeLength(piece.AsSpan(at + 1)));
            }

            from = Math.Min(at + 1, piece.Length);
        }
    }

    /// <summary>How much at the beginning may belong to an escape that has begun before.</summary>
    private static int EscapeLength(ReadOnlySpan<char> text)
    {
        var digits = 0;
        var isCode = text.Length > 0 && text[0] is 'u' or 'U';
        var code = isCode ? text[1..] : text;
        while (digits < HexDigits && digits < code.Length && char.IsAsciiHexDigit(code[digits]))
        {
            digits++;
        }

        return isCode ? 1 + digits : Math.Max(digits, text.Length > 0 && text[0] is 'n' or 'r' or 't' or 'b' or 'f' or 'N' or 'R' or 'T' or 'B' or 'F' or '/' ? 1 : 0);
    }
}
