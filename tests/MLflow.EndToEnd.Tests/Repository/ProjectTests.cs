using System.Text.RegularExpressions;
using System.Xml.Linq;
using Xunit;

namespace MLflow.EndToEnd.Tests.Repository;

public sealed partial class ProjectTests
{
    [Fact]
    public void AllowedProjects_OfEachProject_AreThoseOfTheArchitecture()
    {
        var rows = ArchitectureRow().Matches(RepositoryFiles.Read("docs/architecture.md"))
            .ToDictionary(row => row.Groups["project"].Value, row => Names(row.Groups["allowed"].Value.Replace("`", "").Split(',')));
        var projects = SourceProjects();

        Assert.NotEmpty(projects);
        Assert.Equal(projects.Keys.Order(), rows.Keys.Order());
        Assert.All(projects, project => Assert.Equal(rows[project.Key], project.Value));
    }

    [Fact]
    public void Packages_OfTheRepository_EachHaveAReason()
    {
        var pinned = XDocument.Parse(RepositoryFiles.Read("Directory.Packages.props"))
            .Descendants("PackageVersion")
            .Select(package => package.Attribute("Include")!.Value);
        var explained = DependencyRow().Matches(RepositoryFiles.Read("docs/dependencies.md")).Select(row => row.Groups["package"].Value);

        Assert.Equal(pinned.Order(StringComparer.Ordinal), explained.Order(StringComparer.Ordinal));
    }

    /// <summary>Every project below src with what it says in AllowedProjects; a project that says nothing fails here, since its build checks nothing.</summary>
    private static Dictionary<string, string[]> SourceProjects() =>
        Directory.EnumerateFiles(Path.Combine(RepositoryFiles.Root(), "src"), "*.csproj", SearchOption.AllDirectories)
            .ToDictionary(
                file => Path.GetFileNameWithoutExtension(file),
                file => Names(Assert.Single(XDocument.Load(file).Descendants("AllowedProjects")).Value.Split(';')));

    private static string[] Names(IEnumerable<string> names) => [.. names.Select(name => name.Trim()).Where(name => name.Length > 0).Order(StringComparer.Ordinal)];

    [GeneratedRegex(@"^\| `(?<project>MLflow\.[\w.]+)` \|(?:[^|\n]*\|)+? (?<allowed>[^|\n]+) \|$", RegexOptions.Multiline)]
    private static partial Regex ArchitectureRow();

    // A reason is a sentence, not an empty cell.
    [GeneratedRegex(@"^\| `(?<package>[\w.\-]+)` \| \w[^|\n]{15,} \|$", RegexOptions.Multiline)]
    private static partial Regex DependencyRow();
}
