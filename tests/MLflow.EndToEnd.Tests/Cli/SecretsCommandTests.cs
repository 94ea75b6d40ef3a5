using System.Text;
using Xunit;

namespace MLflow.EndToEnd.Tests.Cli;

/// <summary>Secrets by the command line.</summary>
public sealed class SecretsCommandTests : IDisposable
{
    private const string Key = "sk-proj-c2VjcmV0LW9mLXRoZS1jb21tYW5k-wxyz";

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Secret_CreatedListedRotatedAndDeleted_IsNeverShown()
    {
        var keys = Path.Combine(_folder.Path, "keys");
        await File.WriteAllTextAsync(keys, "1 passphrase old words\n", Token);
        Dictionary<string, string> environment = new() { ["MLFLOW_CRYPTO_KEK_FILE"] = keys };

        var created = await RunAsync(Key, environment, "secrets", "create", "openai");
        Assert.Matches("^s-[0-9a-f]{32}$", created.Output.Trim());
        Assert.Contains("https://api.openai.com/v1 only", created.Errors, StringComparison.Ordinal);
        await RunAsync("", new(environment) { ["MY_KEY"] = Key }, "secrets", "create", "local", "--provider", "custom", "--api-base", "https://llm.example/v1", "--from-env", "MY_KEY");
        var listed = await RunAsync("", environment, "secrets", "list");
        Assert.Contains("sk-...wxyz", listed.Output, StringComparison.Ordinal);
        Assert.Contains("https://llm.example/v1", listed.Output, StringComparison.Ordinal);
        await File.AppendAllTextAsync(keys, $"2 {Convert.ToBase64String(new byte[32])}\n", Token);
        Assert.Contains("Encrypted 2 secrets with the key of version 2", (await RunAsync("", environment, "secrets", "rotate")).Output, StringComparison.Ordinal);
        await RunAsync("", environment, "secrets", "delete", "local", "--yes");
        var audit = (await RunAsync("", environment, "users", "audit")).Output;

        Assert.Contains("secret.rotate", audit, StringComparison.Ordinal);
        Assert.DoesNotContain(Key[8..], created.Output + created.Errors + listed.Output + audit, StringComparison.Ordinal);
        Assert.DoesNotContain(Key[8..], await File.ReadAllTextAsync(Path.Combine(_folder.Path, "mlflow.db"), Encoding.Latin1, Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Secrets_OfDevelopment_AreEncryptedWithARealKey()
    {
        var made = await RunAsync(Key, [], "secrets", "create", "openai");
        Assert.Contains("a passphrase that everybody knows", made.Errors, StringComparison.Ordinal);

        var rotated = await RunAsync("", new() { ["MLFLOW_CRYPTO_KEK_PASSPHRASE"] = "some words", ["MLFLOW_CRYPTO_KEK_VERSION"] = "2" }, "secrets", "rotate", "--from-development");

        Assert.Contains("Encrypted 1 secrets with the key of version 2", rotated.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_OfTheEnvironment_AreImportedOnce()
    {
        Dictionary<string, string> environment = new() { ["OPENAI_API_KEY"] = Key, ["AZURE_OPENAI_API_KEY"] = "x", ["DATABRICKS_TOKEN"] = "dapi0123456789abcdef0123456789", ["DATABRICKS_HOST"] = "dbc.cloud.databricks.com" };

        var first = await RunAsync("", environment, "secrets", "import");
        var second = await RunAsync("", environment, "secrets", "import");

        Assert.Contains("OPENAI_API_KEY is secret 'openai' (sk-...wxyz), for https://api.openai.com/v1 only", first.Output, StringComparison.Ordinal);
        Assert.Contains("for https://dbc.cloud.databricks.com only", first.Output, StringComparison.Ordinal);
        Assert.Contains("set AZURE_OPENAI_ENDPOINT", first.Errors, StringComparison.Ordinal);
        Assert.Contains("there is a secret 'openai' already", second.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "standard input has no key", "", "secrets", "create", "x")]
    [InlineData(2, "Azure OpenAI has no address of its own", Key, "secrets", "create", "x", "--provider", "azure")]
    [InlineData(1, "Provider 'nobody' is not known", Key, "secrets", "create", "x", "--provider", "nobody")]
    [InlineData(1, "there is no secret 'x'", "", "secrets", "delete", "x", "--yes")]
    [InlineData(2, "--from-env NO_SUCH: there is no such variable", "", "secrets", "create", "x", "--from-env", "NO_SUCH")]
    public async Task Command_ThatCannotBe_SaysWhyInOneLine(int exitCode, string reason, string input, params string[] arguments)
    {
        var result = await StartAsync(input, new() { ["MLFLOW_CRYPTO_KEK_PASSPHRASE"] = "some words" }, arguments);

        Assert.Equal(exitCode, result.ExitCode);
        Assert.Contains(reason, Assert.Single(result.Errors.Trim().Split('\n')), StringComparison.Ordinal);
    }

    private async Task<CommandResult> RunAsync(string input, Dictionary<string, string> environment, params string[] arguments)
    {
        var result = await StartAsync(input, environment, arguments);
        Assert.True(result.ExitCode == 0, result.Errors);
        return result;
    }

    private async Task<CommandResult> StartAsync(string input, Dictionary<string, string> environment, string[] arguments)
    {
        var file = Path.Combine(_folder.Path, "input");
        await File.WriteAllTextAsync(file, input.Length == 0 ? "" : input + "\n", Token);
        string[] command = ["env", .. environment.Select(variable => $"{variable.Key}={variable.Value}"), "sh", "-c", $"exec \"$@\" < '{file}'", "sh"];
        await using var process = CliProcess.MlflowUnder(command, _folder.Path, arguments);
        var exitCode = await process.WaitAsync(Token);
        return new CommandResult(exitCode, process.Output, process.Errors);
    }
}
