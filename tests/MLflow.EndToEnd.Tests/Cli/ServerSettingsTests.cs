using System.Text.Json;
using System.Text.RegularExpressions;
using MLflow.EndToEnd.Tests.Repository;
using Xunit;

namespace MLflow.EndToEnd.Tests.Cli;

/// <summary>Settings from options, environment and file, and what is said of them where they are wrong.</summary>
public sealed class ServerSettingsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Mistakes_OfOptionsEnvironmentAndFile_AreAllListedWithTheirPlaces()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(
            Path.Combine(folder.Path, "mlflow-server.json"),
            """{ "prot": 1, "log_level": "x", "zzz": 1, "port": "many", "max-body-bytes": 5, "allowed-hosts": ["a b", "ok.example"], "metrics": { "a": [1] }, "host": "0.0.0.0" }""",
            Token);
        await using var server = CliProcess.Mlflow(
            folder.Path, ["server", "--search-timeout", "0", "--x-frame-options", "NOPE"], ("MLFLOW_HOST", "127.0.0.1"), ("MLFLOW_SERVER_LOG_FORMAT", "xml"), ("MLFLOW_PORT", ""));

        Assert.Equal(1, await server.WaitAsync(Token));
        Assert.Equal(
            [
                "mlflow: --port many is not a port: it must be 0 to 65535, where 0 lets the system choose (from mlflow-server.json).",
                "mlflow: mlflow-server.json has the unknown setting 'prot': did you mean 'port'?",
                "mlflow: mlflow-server.json has the unknown setting 'log_level': did you mean 'log-level'?",
                "mlflow: mlflow-server.json has the unknown setting 'zzz'; docs/operations/server.md lists them",
                "mlflow: mlflow-server.json: 'metrics' must be a text, a number, true or false, a list of those, or an object of those for pairs.",
                "mlflow: --allowed-hosts 'a b' is not understood: use names, *.example.com, addresses, each with or without a port, networks as 203.0.113.0/24, or * for any (from mlflow-server.json).",
                "mlflow: --x-frame-options 'NOPE' is not understood: use SAMEORIGIN, DENY or NONE.",
                "mlflow: --max-body-bytes 5 is out of range: it must be 1024 to 1073741824 (from mlflow-server.json).",
                "mlflow: --log-format 'xml' is not understood: use console or json (from MLFLOW_SERVER_LOG_FORMAT).",
                "mlflow: --search-timeout 0 is not a time that a search can take: it must be more than 0 and at most 3600 seconds.",
            ],
            server.Errors.Trim().ReplaceLineEndings("\n").Split('\n'));
    }

    [Theory]
    [InlineData("", "is no JSON")]
    [InlineData("[]", "is no JSON object")]
    [InlineData("""{ "port": 1, "port": 2 }""", "is no JSON")]
    [InlineData(null, "cannot be read")]
    public async Task File_ThatIsNone_IsNamed(string? content, string sentence)
    {
        using var folder = new TemporaryFolder();
        if (content is not null)
        {
            await File.WriteAllTextAsync(Path.Combine(folder.Path, "settings.json"), content, Token);
        }

        await using var server = CliProcess.Mlflow(folder.Path, ["server", "--config", "settings.json"]);

        Assert.Equal(1, await server.WaitAsync(Token));
        Assert.Contains("settings.json", server.Errors, StringComparison.Ordinal);
        Assert.Contains(sentence, server.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settings_GivenThrice_OptionGoesBeforeEnvironmentBeforeFile()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(
            Path.Combine(folder.Path, "own.json"),
            // Comments are allowed, as people write them into settings.
            """{ /* ours */ "port": 0, "otlp-grpc-port": "none", "backend-store-uri": "sqlite:///file.db", "x-frame-options": "DENY", "allowed-hosts": ["file.example"], "otlp-token-experiments": { "t0ken": "by-token" }, "max-json-bytes": 2000, }""",
            Token);
        await using var server = CliProcess.Mlflow(
            folder.Path,
            ["server", "--allowed-hosts", "option.example"],
            ("MLFLOW_SERVER_CONFIG", "own.json"), ("MLFLOW_BACKEND_STORE_URI", "sqlite:///environment.db"), ("MLFLOW_SERVER_ALLOWED_HOSTS", "environment.example"), ("MLFLOW_PORT", "tcp://10.0.0.1:5000"), ("MLFLOW_SERVER_MAX_JSON_BYTES", "3000"));
        var address = await server.ServerAsync(Token);
        using var http = new HttpClient();

        using var page = await http.GetAsync(address, Token);
        Assert.Equal("DENY", page.Headers.GetValues("X-Frame-Options").Single());
        Assert.Equal(200, await StatusAsync("option.example"));
        Assert.Equal(403, await StatusAsync("environment.example"));
        Assert.Equal(403, await StatusAsync("file.example"));
        Assert.True(File.Exists(Path.Combine(folder.Path, "environment.db")));
        Assert.False(File.Exists(Path.Combine(folder.Path, "file.db")));
        using var search = new StringContent($$"""{"filter":"{{new string('x', 4000)}}"}""", null, "application/json");
        using var tooLong = await http.PostAsync(new Uri(address, "api/3.0/mlflow/traces/search"), search, Token);
        Assert.Contains("more than 3000 bytes", await tooLong.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
        Assert.Contains("by-token", await http.GetStringAsync(new Uri(address, "api/2.0/mlflow/experiments/get-by-name?experiment_name=by-token"), Token), StringComparison.Ordinal);
        await server.SignalAsync("TERM", Token);
        Assert.Equal(0, await server.WaitAsync(Token));

        async Task<int> StatusAsync(string host)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address, "api/3.0/mlflow/server-info"));
            request.Headers.Host = host;
            using var response = await http.SendAsync(request, Token);
            return (int)response.StatusCode;
        }
    }

    [Fact]
    public async Task Document_HasEveryOption()
    {
        await using var help = CliProcess.Mlflow(Path.GetTempPath(), ["server", "--help"]);
        Assert.Equal(0, await help.WaitAsync(Token));
        var options = Regex.Matches(help.Output, @"(?m)^  (?:-\w, )?(--[a-z-]+) ").Select(match => match.Groups[1].Value).ToList();
        var document = RepositoryFiles.Read("docs/operations/server.md");

        Assert.True(options.Count > 25, help.Output);
        Assert.All(options, option => Assert.Contains($"`{option}`", document, StringComparison.Ordinal));
        Assert.All(options.Where(option => option is not ("--config" or "--host")), option => Assert.Matches($@"\| [^|]*`{option}`[^|]*\| [^|]*`_?MLFLOW_", document));
    }

    [Fact]
    public async Task Log_InJson_IsAnObjectForEachEntry()
    {
        using var folder = new TemporaryFolder();
        await using var server = CliProcess.Mlflow(
            folder.Path, ["server", "--port", "0", "--otlp-grpc-port", "none", "--backend-store-uri", folder.StoreUri, "--log-format", "json", "--log-level", "information"]);
        using var http = new HttpClient();
        await http.GetStringAsync(new Uri(await server.ServerAsync(Token), "api/3.0/mlflow/server-info?secret=1"), Token);
        await server.WaitForOutputAsync("was answered with 200", Token);

        var entry = JsonDocument.Parse(server.Output.Split('\n').Single(line => line.StartsWith('{'))).RootElement;

        Assert.Equal(("Information", "MLflow.Server.Rest.RequestLog"), (entry.GetProperty("LogLevel").GetString(), entry.GetProperty("Category").GetString()));
        Assert.Equal("/api/3.0/mlflow/server-info", entry.GetProperty("State").GetProperty("Route").GetString());
    }
}
