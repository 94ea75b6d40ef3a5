using System.Text.RegularExpressions;
using Xunit;

namespace MLflow.EndToEnd.Tests.Repository;

public sealed partial class ContentTests
{
    // Written in pieces, so that this file does not hold what it looks for.
    private static readonly string[] MachineFolders = ["home", "root", "Users", "work", "mnt"];

    // Where packages come from is the user's configuration: no file may name, or worse pin, a package source.
    private static readonly string[] RegistryHosts =
        ["api.nuget" + ".org", "nuget.pkg" + ".github.com", "pkgs.dev" + ".azure.com", "registry.npmjs" + ".org", "pypi" + ".org/simple", "<package" + "Sources>"];

    [Fact]
    public void Files_OfTheRepository_NameNoMachinePath()
    {
        var pattern = new Regex($@"(?<![\w.~\-:/}}*])/({string.Join('|', MachineFolders)})/\w|\b[A-Z]:\\+Users\\");
        Assert.Empty(Hits(line => pattern.IsMatch(line)));
    }

    [Fact]
    public void Files_OfTheRepository_NameNoPackageSource() =>
        Assert.Empty(Hits(line => RegistryHosts.Any(host => line.Contains(host, StringComparison.OrdinalIgnoreCase))));

    [Fact]
    public void Links_InDocuments_LeadToFiles()
    {
        var root = RepositoryFiles.Root();
        var broken =
            from file in RepositoryFiles.AllTexts()
            where file.Path.EndsWith(".md", StringComparison.Ordinal)
            from Match link in RelativeLink().Matches(file.Text)
            let target = Path.Combine(root, Path.GetDirectoryName(file.Path)!, link.Groups["target"].Value)
            where !File.Exists(target) && !Directory.Exists(target)
            select $"{file.Path}: {link.Groups["target"].Value}";
        Assert.Empty(broken);
    }

    private static List<string> Hits(Func<string, bool> isHit) =>
    [
        .. from file in RepositoryFiles.AllTexts()
           from line in file.Text.Split('\n').Select((text, index) => (Text: text, Number: index + 1))
           where isHit(line.Text)
           select $"{file.Path}:{line.Number}: {line.Text.Trim()[..Math.Min(line.Text.Trim().Length, 160)]}",
    ];

    [GeneratedRegex(@"\]\((?!https?:|mailto:|\#)(?<target>[^)\#\s]+)(\#[^)\s]*)?\)")]
    private static partial Regex RelativeLink();
}
