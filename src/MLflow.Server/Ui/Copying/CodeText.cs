using System.Globalization;
using System.Text;
using System.Text.Json;
using MLflow.Server.Ui.Formatting;

namespace MLflow.Server.Ui.Copying;

/// <summary>Texts and JSON as literals of C#.</summary>
internal static class CodeText
{
    /// <summary>A literal for a text: one line where it is one, otherwise raw, so that it reads as it was written.</summary>
    public static string Literal(string text)
    {
        if (text.Contains('\n', StringComparison.Ordinal) && !text.Any(c => (char.IsControl(c) && c is not ('\n' or '\t')) || c is '\u0085' or '\u2028' or '\u2029'))
        {
            return Raw(text);
        }

        var literal = new StringBuilder(text.Length + 2).Append('"');
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' => literal.Append("\\\""),
                '\\' => literal.Append("\\\\"),
                '\n' => literal.Append("\\n"),
                '\r' => literal.Append("\\r"),
                '\t' => literal.Append("\\t"),
                _ when char.IsControl(c) || char.IsSurrogate(c) && !IsPaired(text) || c is '\u2028' or '\u2029' => literal.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture)),
                _ => literal.Append(c),
            };
        }

        return literal.Append('"').ToString();
    }

    /// <summary>A raw literal of JSON, indented.</summary>
    public static string Json(JsonElement json) => Raw(Indented(json));

    /// <summary>JSON for people.</summary>
    public static string Indented(JsonElement json) => JsonSerializer.Serialize(json, TolerantJson.Readable).ReplaceLineEndings("\n");

    // Closed at the first column, so that no line of the text has to be indented; with more quotes than the text has in a row.
    private static string Raw(string text)
    {
        var most = 0;
        for (var (i, row) = (0, 0); i < text.Length; i++)
        {
            row = text[i] == '"' ? row + 1 : 0;
            most = Math.Max(most, row);
        }

        var quotes = new string('"', Math.Max(3, most + 1));
        return $"{quotes}\n{text}\n{quotes}";
    }

    private static bool IsPaired(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
            }
            else if (char.IsSurrogate(text[i]))
            {
                return false;
            }
        }

        return true;
    }
}
