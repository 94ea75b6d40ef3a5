using System.Text.RegularExpressions;
using Xunit;

namespace MLflow.EndToEnd.Tests.Repository;

/// <summary>The document on configuration and what the SDK reads of the environment.</summary>
public sealed partial class ConfigurationTests
{
    /// <summary>In requests it names a kind of place.</summary>
    private const string NoVariable = "MLFLOW_EXPERIMENT";

    private static readonly string[] Documents = ["docs/configuration.md", "docs/databricks.md"];

    [Fact]
    public void Variables_ThatTheSdkReads_AreInTheDocuments()
    {
        var read = RepositoryFiles.AllTexts()
            .Where(file => file.Path.StartsWith("src/MLflow.Tracing/", StringComparison.Ordinal) && file.Path.EndsWith(".cs", StringComparison.Ordinal))
            .SelectMany(file => Literal().Matches(file.Text).Select(match => match.Groups[1].Value))
            .Distinct()
            .Where(name => name != NoVariable)
            .ToList();
        var documented = string.Concat(RepositoryFiles.AllTexts().Where(file => Documents.Contains(file.Path)).Select(file => file.Text));

        Assert.NotEmpty(read);
        Assert.DoesNotContain(read, name => !documented.Contains($"`{name}`", StringComparison.Ordinal));
    }

    [GeneratedRegex("\"((?:MLFLOW|OTEL)_[A-Z0-9_]+)\"")]
    private static partial Regex Literal();
}
