using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace MLflow.Server.Tests.Ui;

/// <summary>The words that the sources of the pages show, and the translations beside them.</summary>
internal static partial class PageWords
{
    /// <summary>The first arguments of <c>T("…")</c> and <c>Plural(…)</c>, each with its file.</summary>
    public static IEnumerable<(string Key, string File)> Keys()
    {
        foreach (var (name, text) in Sources())
        {
            foreach (Match call in Call().Matches(text))
            {
                foreach (var key in Literals(FirstArgument(text, call.Index + call.Length)))
                {
                    yield return (key, name);
                }
            }

            foreach (Match call in PluralCall().Matches(text))
            {
                yield return ("{0} " + (call.Groups["many"].Success ? call.Groups["many"].Value : call.Groups["one"].Value + "s"), name);
            }
        }
    }

    /// <summary>Words that are told to be translated and are no plain text: nobody could look them up.</summary>
    public static IEnumerable<string> Interpolated() => Sources().Where(source => Interpolation().IsMatch(source.Text)).Select(source => source.Name);

    /// <summary>Texts that stand in the sources and are told to be translated elsewhere, as those of tables.</summary>
    public static HashSet<string> Texts() =>
        Sources().SelectMany(source => Literal().Matches(source.Text).Select(literal => literal.Value.Trim('"'))).ToHashSet(StringComparer.OrdinalIgnoreCase);

    public static IEnumerable<(string Key, string Text, string File)> Translations() =>
        from file in Directory.EnumerateFiles(Path.Combine(Folder(), "Japanese"), "*.resx")
        from entry in XDocument.Load(file).Root!.Elements("data")
        select (entry.Attribute("name")!.Value, entry.Element("value")!.Value, Path.GetFileName(file));

    private static IEnumerable<(string Name, string Text)> Sources() =>
        Directory.EnumerateFiles(Folder(), "*", SearchOption.AllDirectories)
            .Where(file => Path.GetExtension(file) is ".cs" or ".razor" && Path.GetFileName(file) is not ("Words.cs" or "Figures.cs"))
            .Select(file => (Path.GetFileName(file), File.ReadAllText(file)));

    private static string FirstArgument(string text, int start)
    {
        var depth = 0;
        var end = start;
        for (; end < text.Length; end++)
        {
            if (text[end] == '"')
            {
                end += Literal().Match(text, end).Length - 1;
            }
            else if (text[end] is '(' or '[' or '{')
            {
                depth++;
            }
            else if (text[end] is ')' or ']' or '}' && depth-- == 0)
            {
                break;
            }
            else if (text[end] == ',' && depth == 0)
            {
                break;
            }
        }

        return text[start..end];
    }

    private static IEnumerable<string> Literals(string argument) => Literal().Matches(argument).Select(literal => Regex.Unescape(literal.Value[1..^1]));

    private static string Folder()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "MLflow.slnx")))
        {
            folder = folder.Parent ?? throw new FileNotFoundException("No MLflow.slnx above the tests.");
        }

        return Path.Combine(folder.FullName, "src", "MLflow.Server", "Ui");
    }

    [GeneratedRegex(@"(?<![\w<.])(?:Words\.)?T\((?=[^)]*"")")]
    private static partial Regex Call();

    [GeneratedRegex(@"(?<![\w])(?:Words\.)?T\(\$")]
    private static partial Regex Interpolation();

    [GeneratedRegex(@"\G?""(?:[^""\\]|\\.)*""")]
    private static partial Regex Literal();

    [GeneratedRegex(@"Plural\((?:[^""()]|\([^()]*\))+, ""(?<one>[^""]+)""(?:, ""(?<many>[^""]+)"")?\)")]
    private static partial Regex PluralCall();
}
