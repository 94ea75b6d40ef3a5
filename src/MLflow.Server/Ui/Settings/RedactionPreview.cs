using System.Text;

namespace MLflow.Server.Ui.Settings;

/// <summary>What is left of a text where rules are applied to it, as they are to all that a program records.</summary>
internal static class RedactionPreview
{
    /// <param name="text">Any text; JSON is looked into.</param>
    /// <param name="keys">Names whose values are taken out, one a line.</param>
    /// <param name="paths">JSON paths, one a line.</param>
    /// <param name="patterns">Regular expressions, one a line.</param>
    /// <exception cref="ArgumentException">A rule is none.</exception>
    public static string Of(string text, string? keys, string? paths, string? patterns)
    {
        var privacy = new PrivacyOptions();
        Add(privacy.RedactedKeys, keys);
        Add(privacy.RedactedPaths, paths);
        Add(privacy.RedactedPatterns, patterns);
        var redactor = new ValueRedactor(RedactionRules.Of(privacy), _ => { });
        var utf8 = Encoding.UTF8.GetBytes(text);
        var value = JsonText.IsJson(utf8) ? AttributeValue.FromJson(utf8) : AttributeValue.FromString(text);
        redactor.Redact("(pasted)", ref value);
        return value.Kind == AttributeValueKind.Json ? Encoding.UTF8.GetString(value.Json) : value.String;
    }

    private static void Add(IList<string> rules, string? lines)
    {
        foreach (var line in (lines ?? "").Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            rules.Add(line);
        }
    }
}
