using Xunit;

namespace MLflow.EndToEnd.Tests.Cli;

public sealed class ExperimentsCommandTests : CommandTestBase
{
    [Fact]
    public async Task Experiments_CreatedRenamedDeletedRestored_AreSoOnTheServer()
    {
        var created = await RunAsync("experiments", "create", "--experiment-name", "天気", "--output", "json");
        Assert.Equal("", created.Errors);
        Assert.Equal(0, created.ExitCode);
        var id = created.Json.GetProperty("experiment_id").GetString()!;
        Assert.Equal("天気", (await Client.GetExperimentAsync(id, Token)).Name);

        Assert.Equal(0, (await RunAsync("experiments", "rename", "-x", id, "--new-name", "weather")).ExitCode);
        Assert.Equal("weather", (await Client.GetExperimentAsync(id, Token)).Name);

        Assert.Equal(0, (await RunAsync("experiments", "delete", "-x", id, "--yes")).ExitCode);
        Assert.False((await Client.GetExperimentAsync(id, Token)).IsActive);

        Assert.Equal(0, (await RunAsync("experiments", "restore", "-x", id)).ExitCode);
        Assert.True((await Client.GetExperimentAsync(id, Token)).IsActive);
    }

    [Fact]
    public async Task Experiments_Searched_AreATableOfPlainLines()
    {
        var name = "a long name " + new string('x', 200);
        await Client.CreateExperimentAsync(name, cancellationToken: Token);
        var deleted = await Client.CreateExperimentAsync("gone", cancellationToken: Token);
        await Client.DeleteExperimentAsync(deleted, Token);

        var active = await RunAsync("experiments", "search", "--order-by", "name ASC");
        Assert.Equal(0, active.ExitCode);
        var lines = active.Output.Trim().ReplaceLineEndings("\n").Split('\n');
        Assert.StartsWith("EXPERIMENT ID", lines[0], StringComparison.Ordinal);
        Assert.Equal(3, lines.Length);

        // In a pipe nothing is cut, wrapped or coloured.
        Assert.Single(lines, line => line.Contains(name, StringComparison.Ordinal));
        Assert.DoesNotContain('\u001b', active.Output);

        var all = await RunAsync("experiments", "search", "--view", "all", "--filter-string", "name = 'gone'", "--output", "json");
        Assert.Equal("deleted", Assert.Single(all.Json.EnumerateArray()).GetProperty("lifecycle_stage").GetString());
    }

    [Fact]
    public async Task Experiment_GotByName_IsShown()
    {
        var id = await Client.CreateExperimentAsync("named", tags: new Dictionary<string, string> { ["k"] = "v" }, cancellationToken: Token);

        var got = await RunAsync("experiments", "get", "-n", "named", "--output", "json", "--tracking-uri", Address);

        Assert.Equal(id, got.Json.GetProperty("experiment_id").GetString());
        Assert.Equal("v", got.Json.GetProperty("tags").GetProperty("k").GetString());
    }

    [Fact]
    public async Task Deletion_WithoutYesWhereNobodyCanBeAsked_IsWrongUse()
    {
        var id = await Client.CreateExperimentAsync("stays", cancellationToken: Token);
        await using var process = CliProcess.MlflowUnder(["sh", "-c", "exec \"$@\" < /dev/null", "sh"], Folder.Path, ["experiments", "delete", "-x", id, "--tracking-uri", Address]);

        Assert.Equal(2, await process.WaitAsync(Token));
        Assert.Contains("--yes", process.Errors, StringComparison.Ordinal);
        Assert.True((await Client.GetExperimentAsync(id, Token)).IsActive);
    }

    [Theory]
    [InlineData(1, "No Experiment with id=999 exists", "experiments", "get", "-x", "999")]
    [InlineData(1, "no experiment named 'nowhere'", "experiments", "get", "-n", "nowhere")]
    [InlineData(2, "either --experiment-id or --experiment-name", "experiments", "get")]
    [InlineData(2, "see dotnet mlflow experiments rename --help", "experiments", "rename", "-x", "1")]
    [InlineData(2, "--output xml", "experiments", "search", "--output", "xml")]
    [InlineData(2, "'ftp://there' is not supported", "experiments", "search", "--tracking-uri", "ftp://there")]
    [InlineData(1, "http://127.0.0.1:1 could not be reached: Connection refused; 'dotnet mlflow doctor' looks for the reason.", "experiments", "search", "--tracking-uri", "http://127.0.0.1:1")]
    public async Task Command_ThatCannotBe_SaysWhyInOneLine(int exitCode, string sentence, params string[] arguments)
    {
        var result = await RunAsync(arguments);

        Assert.Equal(exitCode, result.ExitCode);
        Assert.Contains(sentence, Assert.Single(result.Errors.Trim().Split('\n')), StringComparison.Ordinal);
        Assert.Equal("", result.Output);
    }
}
