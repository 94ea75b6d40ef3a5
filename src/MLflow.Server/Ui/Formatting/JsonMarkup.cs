using System.Globalization;
using System.Text;
using System.Text.Json;

namespace MLflow.Server.Ui.Formatting;

/// <summary>JSON as highlighted HTML. Short values stay on one line that breaks only between pairs; others are indented.</summary>
public static class JsonMarkup
{
    /// <summary>Characters of JSON that are drawn before the page asks whether it should draw the rest.</summary>
    public const int Limit = 200_000;

    // Characters that fit on a line of the reading pane; what is indented has less room.
    private const int OneLine = 96;
    private const int OneLineWithin = 44;

    /// <summary>HTML of JSON text; what is not JSON is encoded as it is.</summary>
    /// <param name="json">JSON text, or any text.</param>
    /// <param name="wrong">Names of top-level members to underline.</param>
    public static string Render(string? json, IReadOnlyCollection<string>? wrong = null)
    {
        if (string.IsNullOrEmpty(json))
        {
            return "";
        }

        return TolerantJson.TryParse(json, out var element) ? Render(element, wrong) : Encode(json);
    }

    /// <summary>HTML of an element.</summary>
    public static string Render(JsonElement element, IReadOnlyCollection<string>? wrong = null)
    {
        var html = new StringBuilder();
        Write(html, element, 0, wrong);
        return html.ToString();
    }

    /// <summary>Encodes text for HTML and leaves every script readable.</summary>
    public static string Encode(string text)
    {
        var html = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            _ = c switch
            {
                '&' => html.Append("&amp;"),
                '<' => html.Append("&lt;"),
                '>' => html.Append("&gt;"),
                '"' => html.Append("&quot;"),
                _ => html.Append(c),
            };
        }

        return html.ToString();
    }

    private static void Write(StringBuilder html, JsonElement element, int depth, IReadOnlyCollection<string>? wrong)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                WriteObject(html, element, depth, wrong);
                break;
            case JsonValueKind.Array:
                WriteArray(html, element, depth);
                break;
            case JsonValueKind.String:
                Token(html, "s", Quote(element.GetString() ?? ""));
                break;
            case JsonValueKind.Number:
                Token(html, "n", element.GetRawText());
                break;
            case JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null:
                Token(html, "b", element.GetRawText());
                break;
        }
    }

    private static void WriteObject(StringBuilder html, JsonElement element, int depth, IReadOnlyCollection<string>? wrong)
    {
        var members = element.EnumerateObject().ToList();
        if (members.Count == 0)
        {
            html.Append("{}");
            return;
        }

        var flat = IsFlat(element, depth);
        html.Append(flat ? "{ " : "{");
        for (var i = 0; i < members.Count; i++)
        {
            if (!flat)
            {
                NewLine(html, depth + 1);
            }

            html.Append(flat ? "<span class=\"pr\">" : "");
            Token(html, "k", Quote(members[i].Name));
            html.Append(": ");
            var isWrong = wrong?.Contains(members[i].Name) == true;
            html.Append(isWrong ? "<span class=\"x\">" : "");
            Write(html, members[i].Value, depth + 1, null);
            html.Append(isWrong ? "</span>" : "");
            html.Append(i < members.Count - 1 ? "," : flat ? " }" : "");
            html.Append(flat ? "</span>" : "");
            if (flat && i < members.Count - 1)
            {
                html.Append(' ');
            }
        }

        if (!flat)
        {
            NewLine(html, depth);
            html.Append('}');
        }
    }

    private static void WriteArray(StringBuilder html, JsonElement element, int depth)
    {
        var items = element.EnumerateArray().ToList();
        var flat = IsFlat(element, depth);
        html.Append('[');
        for (var i = 0; i < items.Count; i++)
        {
            if (!flat)
            {
                NewLine(html, depth + 1);
            }

            Write(html, items[i], depth + 1, null);
            html.Append(i == items.Count - 1 ? "" : flat ? ", " : ",");
        }

        if (!flat)
        {
            NewLine(html, depth);
        }

        html.Append(']');
    }

    private static bool IsFlat(JsonElement element, int depth) => element.GetRawText().Length <= (depth == 0 ? OneLine : OneLineWithin);

    private static void NewLine(StringBuilder html, int depth) => html.Append('\n').Append(' ', depth * 2);

    private static void Token(StringBuilder html, string css, string text) =>
        html.Append("<span class=\"").Append(css).Append("\">").Append(Encode(text)).Append("</span>");

    // Only what JSON demands: the framework's encoders also escape spaces and symbols that are perfectly readable.
    private static string Quote(string text)
    {
        var quoted = new StringBuilder(text.Length + 2).Append('"');
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' => quoted.Append("\\\""),
                '\\' => quoted.Append("\\\\"),
                '\n' => quoted.Append("\\n"),
                '\r' => quoted.Append("\\r"),
                '\t' => quoted.Append("\\t"),
                < ' ' => quoted.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture)),
                _ => quoted.Append(c),
            };
        }

        return quoted.Append('"').ToString();
    }
}
