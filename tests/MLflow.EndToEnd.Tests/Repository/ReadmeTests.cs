using System.Text.RegularExpressions;
using Xunit;

namespace MLflow.EndToEnd.Tests.Repository;

public sealed partial class ReadmeTests
{
    [Fact]
    public void Example_OfTheReadme_IsTheOneThatCompiles()
    {
        var compiled = Region().Match(RepositoryFiles.Read("tests/MLflow.EndToEnd.Tests/Repository/ReadmeExample.cs")).Groups["code"].Value;
        var shown = CSharpBlock().Match(RepositoryFiles.Read("README.md")).Groups["code"].Value;

        Assert.Equal(
            [.. compiled.Split('\n').Select(line => line.Length > 8 ? line[8..] : "")],
            shown.Split('\n').SkipWhile(line => line.StartsWith("using ", StringComparison.Ordinal) || line.Length == 0).ToArray());
    }

    [GeneratedRegex(@"// <example>\n(?<code>.*?)\n *// </example>", RegexOptions.Singleline)]
    private static partial Regex Region();

    [GeneratedRegex(@"^```csharp\n(?<code>.*?)\n```$", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex CSharpBlock();
}
