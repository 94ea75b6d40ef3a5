using System.Text.RegularExpressions;
using Xunit;

namespace MLflow.EndToEnd.Tests.Repository;

/// <summary>Prose that nothing compiles goes stale: what docs/architecture.md names must be there.</summary>
public sealed partial class ArchitectureTests
{
    [Fact]
    public void Types_OfTheArchitecture_Exist()
    {
        var files = RepositoryFiles.AllTexts()
            .Where(file => file.Path.EndsWith(".cs", StringComparison.Ordinal) || file.Path.EndsWith(".razor", StringComparison.Ordinal))
            .Select(file => Path.GetFileName(file.Path).Split('.')[0])
            .ToHashSet();
        var named = TypeName().Matches(Way().Match(Document()).Value).Select(match => match.Groups["type"].Value).Distinct().ToList();

        Assert.NotEmpty(named);
        Assert.All(named, type => Assert.Contains(type, files));
    }

    [Fact]
    public void Tests_OfTheArchitecture_Exist()
    {
        var tests = RepositoryFiles.AllTexts()
            .Where(file => file.Path.StartsWith("tests/", StringComparison.Ordinal) && file.Path.EndsWith(".cs", StringComparison.Ordinal))
            .SelectMany(file => TestMethod().Matches(file.Text).Select(match => match.Groups["test"].Value))
            .ToHashSet();
        var named = TestName().Matches(Document()).Select(match => match.Groups["test"].Value).ToList();

        Assert.NotEmpty(named);
        Assert.All(named, test => Assert.Contains(test, tests));
    }

    [Fact]
    public void Tests_OfTheHardening_Exist()
    {
        var tests = RepositoryFiles.AllTexts()
            .Where(file => file.Path.StartsWith("tests/", StringComparison.Ordinal) && file.Path.EndsWith(".cs", StringComparison.Ordinal))
            .SelectMany(file => AnyMethod().Matches(file.Text).Select(match => match.Groups["test"].Value))
            .ToHashSet();
        var named = AnyName().Matches(RepositoryFiles.Read("docs/operations/hardening.md")).Select(match => match.Groups["test"].Value).ToList();

        Assert.True(named.Count > 25, $"only {named.Count} tests are named");
        Assert.All(named, test => Assert.Contains(test, tests));
    }

    private static string Document() => RepositoryFiles.Read("docs/architecture.md");

    [GeneratedRegex(@"^## The way of one call$.*?^## ", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Way();

    // In that chapter a single word in backticks is a type of ours; members are written with their type.
    [GeneratedRegex(@"`(?<type>[A-Z]\w+)`")]
    private static partial Regex TypeName();

    [GeneratedRegex(@"`(?<test>\w+_\w+_\w+)`")]
    private static partial Regex TestName();

    [GeneratedRegex(@"`(\w+\.)?(?<test>[A-Z][a-z]\w*_\w+)`")]
    private static partial Regex AnyName();

    [GeneratedRegex(@"public (async )?(Task|void) (?<test>\w+_\w+)\(")]
    private static partial Regex AnyMethod();

    [GeneratedRegex(@"public (async )?(Task|void) (?<test>\w+_\w+_\w+)\(")]
    private static partial Regex TestMethod();
}
