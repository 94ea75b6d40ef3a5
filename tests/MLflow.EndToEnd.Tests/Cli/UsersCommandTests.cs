using System.Net;
using System.Net.Http.Headers;
using Xunit;

namespace MLflow.EndToEnd.Tests.Cli;

/// <summary>Users and tokens by the command line, while the server runs and while it does not.</summary>
public sealed class UsersCommandTests : IDisposable
{
    private const string Password = "correct horse battery staple";

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Users_OfTheCommandLine_AreThoseOfTheServerAtOnce()
    {
        await RunAsync(Password, "users", "create", "ada", "--admin");
        await using var server = CliProcess.Mlflow(_folder.Path, ["server", "--host", "0.0.0.0", "--port", "0", "--otlp-grpc-port", "none"]);
        var address = await server.ServerAsync(Token);
        await server.WaitForOutputAsync("It listens on all addresses of this machine", Token);
        using var http = new HttpClient { BaseAddress = address };
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(http, null));

        await RunAsync("", "users", "create", "ci", "--no-password", "--permission", "edit");
        var created = await RunAsync("", "tokens", "create", "--user", "ci", "--name", "build", "--scope", "ingest", "--experiment", "Default", "--expires-in-days", "30");
        var token = created.Output.Trim();
        Assert.DoesNotContain(token, created.Errors, StringComparison.Ordinal);

        await using (var client = new MlflowClient(new MlflowClientOptions { TrackingUri = address.ToString(), TrackingToken = token, Experiment = "Default" }))
        {
            client.StartSpan("work", SpanType.Chain).Dispose();
            Assert.Equal(1, (await client.FlushAsync(Token)).Exported);
        }

        Assert.Contains("ingest", (await RunAsync("", "tokens", "list")).Output, StringComparison.Ordinal);
        await RunAsync("", "tokens", "revoke", token);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(http, new AuthenticationHeaderValue("Bearer", token)));
        Assert.Contains("token.revoke", (await RunAsync("", "users", "audit")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_ThatAsksEverybody_PrintsTheLinkToMakeTheFirstUser()
    {
        await using var server = CliProcess.Mlflow(_folder.Path, ["server", "--auth", "--port", "0", "--otlp-grpc-port", "none"]);
        await server.WaitForOutputAsync("/setup?token=", Token);
        using var http = new HttpClient { BaseAddress = await server.ServerAsync(Token) };

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(http, null));
        var link = server.Output.Split(' ', '\n').First(word => word.Contains("/setup?token=", StringComparison.Ordinal));
        Assert.Contains("The first user", await http.GetStringAsync(new Uri(link), Token), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, "has fewer than 12 characters", "short", "users", "create", "ada")]
    [InlineData(2, "standard input has no password", "", "users", "create", "ada")]
    [InlineData(1, "Invalid user name 'a:b'", Password, "users", "create", "a:b")]
    [InlineData(2, "--permission 3 is not known", "", "users", "create", "ada", "--permission", "3")]
    [InlineData(1, "there is no database", "", "users", "list")]
    [InlineData(1, "The database 'traces' on 127.0.0.1:1 cannot be used by user 'me'", "", "users", "list", "--store", "postgresql://me:secret@127.0.0.1:1/traces")]
    [InlineData(1, "there is no database", "", "tokens", "create", "--user", "x", "--name", "x", "--scope", "read")]
    [InlineData(2, "--scope all is not known", "", "tokens", "create", "--user", "x", "--name", "x", "--scope", "all")]
    public async Task Command_ThatCannotBe_SaysWhyInOneLine(int exitCode, string reason, string input, params string[] arguments)
    {
        var result = await StartAsync(input, arguments);

        Assert.Equal(exitCode, result.ExitCode);
        Assert.Contains(reason, Assert.Single(result.Errors.Trim().Split('\n')), StringComparison.Ordinal);
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient http, AuthenticationHeaderValue? credentials)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "api/3.0/mlflow/server-info");
        request.Headers.Authorization = credentials;
        using var response = await http.SendAsync(request, Token);
        return response.StatusCode;
    }

    private async Task<CommandResult> RunAsync(string input, params string[] arguments)
    {
        var result = await StartAsync(input, arguments);
        Assert.True(result.ExitCode == 0, result.Errors);
        return result;
    }

    private async Task<CommandResult> StartAsync(string input, string[] arguments)
    {
        var file = Path.Combine(_folder.Path, "input");
        await File.WriteAllTextAsync(file, input.Length == 0 ? "" : input + "\n", Token);
        await using var process = CliProcess.MlflowUnder(["sh", "-c", $"exec \"$@\" < '{file}'", "sh"], _folder.Path, arguments);
        var exitCode = await process.WaitAsync(Token);
        return new CommandResult(exitCode, process.Output, process.Errors);
    }
}
