using System.Collections;
using System.Collections.Frozen;
using System.Globalization;
using System.Resources;

namespace MLflow.Server.Ui.Formatting;

/// <summary>
/// The words of the pages in the reader's language. The English text is its own key, so that a page reads as it looks; what is not translated is shown in English.
/// </summary>
/// <remarks>No culture and no satellite assembly: small images run .NET without either (<c>InvariantGlobalization</c>), and their readers have languages too.</remarks>
public static class Words
{
    public const string English = "en";
    public const string Japanese = "ja";

    private const string JapaneseParts = "MLflow.Server.Ui.Japanese.";
    private static readonly AsyncLocal<string?> Chosen = new();
    private static readonly FrozenDictionary<string, string> InJapanese = Read(JapaneseParts);

    /// <summary>The language of the page that is written in this flow; a circuit has that of the request that opened it.</summary>
    public static string PageLanguage
    {
        get => Chosen.Value ?? English;
        set => Chosen.Value = value;
    }

    /// <summary>All that is translated to Japanese.</summary>
    internal static IReadOnlyDictionary<string, string> JapaneseWords => InJapanese;

    /// <summary><paramref name="english"/> in <see cref="PageLanguage"/>.</summary>
    public static string T(string english) => PageLanguage == Japanese && InJapanese.TryGetValue(english, out var translated) ? translated : english;

    /// <summary>The translation of <paramref name="english"/> with its <c>{0}</c>, <c>{1}</c>, … filled in.</summary>
    public static string T(string english, params ReadOnlySpan<object?> values) => string.Format(CultureInfo.InvariantCulture, T(english), values);

    private static FrozenDictionary<string, string> Read(string prefix)
    {
        // Names of resources are the same in capitals, and so is what they say in Japanese.
        var words = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var assembly = typeof(Words).Assembly;
        foreach (var name in assembly.GetManifestResourceNames().Where(name => name.StartsWith(prefix, StringComparison.Ordinal)))
        {
            using var part = new ResourceReader(assembly.GetManifestResourceStream(name)!);
            foreach (DictionaryEntry entry in part)
            {
                words[(string)entry.Key] = (string)entry.Value!;
            }
        }

        return words.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
    }
}
