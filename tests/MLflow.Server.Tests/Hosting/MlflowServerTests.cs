using System.Net;
using System.Net.Sockets;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using MLflow.Server.Storage;
using Xunit;

namespace MLflow.Server.Tests.Hosting;

public sealed class MlflowServerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Start_AllMistakes_AreToldAtOnce()
    {
        var message = await FailureAsync(options =>
        {
            options.RequireAuthentication = true;
            options.AllowInsecure = true;
            options.Port = 70_000;
            options.BackendStoreUri = "mysql://x";
            options.ArtifactsDestination = "s3://bucket";
            options.PricesFile = _folder.File("no-prices.json");
            options.PriceUnknownHostsAs = "nobody";
            options.SearchTimeout = TimeSpan.Zero;
            options.McpMaxAnswerBytes = 8191;
        });

        Assert.Collection(
            message.Split(Environment.NewLine),
            line => Assert.StartsWith("--port 70000 is not a port", line, StringComparison.Ordinal),
            line => Assert.Equal("--backend-store-uri 'mysql://x' is not understood: use sqlite:///relative/path.db, sqlite:////absolute/path.db or postgresql://user:password@host/database.", line),
            line => Assert.StartsWith("--artifacts-destination 's3://bucket' is not understood", line, StringComparison.Ordinal),
            line => Assert.StartsWith($"--prices: The price table '{_folder.File("no-prices.json")}' cannot be read: ", line, StringComparison.Ordinal),
            line => Assert.StartsWith("--price-unknown-hosts-as nobody is a provider without prices: use one of openai, azure, ", line, StringComparison.Ordinal),
            line => Assert.Equal("--search-timeout 0 is not a time that a search can take: it must be more than 0 and at most 3600 seconds.", line),
            line => Assert.Equal("--mcp-max-answer-bytes 8191 is not a size that an answer can have: it must be 8192 to 1048576.", line),
            line => Assert.Equal("--auth and --no-auth contradict each other: give one of them.", line));
    }

    [Fact]
    public async Task Start_BeyondLoopbackWithoutUsers_IsRefusedAndTellsTheWays()
    {
        var message = await FailureAsync(options => options.Host = "0.0.0.0");

        Assert.StartsWith("--host 0.0.0.0 opens the server to other machines, and it has no users yet.", message, StringComparison.Ordinal);
        Assert.All((string[])["dotnet mlflow users create", "--auth", "--no-auth"], way => Assert.Contains(way, message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Start_BusyPort_NamesPortAndTheWayOut()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;

        Assert.Equal(
            $"Port {port} is already in use on 127.0.0.1; end the program that uses it, or choose another with --port (0 takes any free one).",
            await FailureAsync(options => options.Port = port));
    }

    [Fact]
    public async Task Database_OfAHostsSettings_IsOpenedForItsClientAndNotToCheckThem()
    {
        var path = _folder.File("embedded.db");
        await using var services = new ServiceCollection().AddMlflowTracing(o => o.TrackingUri = "sqlite:///" + path).BuildServiceProvider();

        Assert.Equal("sqlite:///" + path, services.GetRequiredService<IOptions<MlflowTracingOptions>>().Value.TrackingUri);
        Assert.False(File.Exists(path));

        Assert.StartsWith("http://127.0.0.1:", services.GetRequiredService<MlflowClient>().TrackingUri, StringComparison.Ordinal);
        Assert.True(File.Exists(path));
    }

    [Fact]
    public async Task Start_PythonsDatabase_IsRefusedUntouched()
    {
        var path = _folder.File("python.db");
        await using (var connection = new SqliteConnection($"Data Source={path};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('x')";
            command.ExecuteNonQuery();
        }

        var before = await File.ReadAllBytesAsync(path, Xunit.TestContext.Current.CancellationToken);

        var message = await FailureAsync(options => options.BackendStoreUri = "sqlite:///" + path);

        Assert.Equal(
            $"The database '{path}' was made by Python's MLflow and is left untouched; bring its traces over with 'mlflow import', or name another file in --backend-store-uri.",
            message);
        Assert.Equal(before, await File.ReadAllBytesAsync(path, Xunit.TestContext.Current.CancellationToken));
        Assert.Equal([path], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public async Task Start_FileThatIsNoDatabase_IsNamed()
    {
        var path = _folder.File("notes.txt");
        await File.WriteAllTextAsync(path, new string('x', 4096), Xunit.TestContext.Current.CancellationToken);

        Assert.Equal(
            $"The file '{path}' is not an SQLite database; name another file in --backend-store-uri.",
            await FailureAsync(options => options.BackendStoreUri = "sqlite:///" + path));
    }

    [Fact]
    public async Task Start_FolderThatCannotBe_IsNamed()
    {
        await File.WriteAllTextAsync(_folder.File("file"), "", Xunit.TestContext.Current.CancellationToken);
        var path = _folder.File(Path.Combine("file", "mlflow.db"));

        var failure = await FailureAsync(options => options.BackendStoreUri = "sqlite:///" + path);
        Assert.StartsWith($"The database '{path}' cannot be opened for writing: ", failure, StringComparison.Ordinal);
        Assert.EndsWith(". Let the server's user write to it and to its folder, or name another file in --backend-store-uri.", failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_DatabaseOfANewerVersion_IsRefused()
    {
        var path = _folder.File("mlflow.db");
        await using (await MlflowServer.StartAsync(Options(path), Xunit.TestContext.Current.CancellationToken))
        {
        }

        await using (var connection = new SqliteConnection($"Data Source={path};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "INSERT INTO SchemaVersions (ScriptName, Applied) VALUES ('sqlite/9999_future.sql', '2030-01-01')";
            command.ExecuteNonQuery();
        }

        Assert.Contains("made by a newer version", await FailureAsync(options => options.BackendStoreUri = "sqlite:///" + path), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prices_OfTheUser_GoBeforeTheShipped()
    {
        var prices = _folder.File("prices.json");
        await File.WriteAllTextAsync(
            prices,
            """{ "version": "ours", "models": [ { "provider": "openai", "model": "gpt-4o", "prices": [ { "kind": "input", "usd": 1000000 } ] } ], "deployments": { "support": "gpt-4o" } }""",
            Xunit.TestContext.Current.CancellationToken);
        var options = Options(_folder.File("mlflow.db"));
        options.PricesFile = prices;
        options.PriceUnknownHostsAs = "openai";
        await using var server = await MlflowServer.StartAsync(options, Xunit.TestContext.Current.CancellationToken);
        var id = Storage.SomeTrace.NewOtelId();
        var store = server.Services.GetRequiredService<ITraceStore>();

        await store.WriteAsync(
            Storage.SomeTrace.Batch(Storage.SomeTrace.Span(id, 1, attributes:
                [("mlflow.chat.tokenUsage", """{"input_tokens": 2}"""), ("mlflow.llm.model", "\"support\""), ("url.full", "\"https://proxy.test/v1/chat/completions\"")])),
            Xunit.TestContext.Current.CancellationToken);

        var info = Assert.Single(await store.GetInfosAsync(["tr-" + id], Xunit.TestContext.Current.CancellationToken));
        Assert.Equal(2, info.Facts.Cost!.Value.Usd);
    }

    [Fact]
    public async Task Restart_OnTheSameFile_KeepsWhatWasThere()
    {
        var path = _folder.File(Path.Combine("new", "folder", "mlflow.db"));
        await using (var first = await MlflowServer.StartAsync(Options(path), Xunit.TestContext.Current.CancellationToken))
        {
            using var client = new HttpClient { BaseAddress = first.BaseAddress };
            using var body = new StringContent("""{"name": "kept"}""", null, "application/json");
            using var created = await client.PostAsync(new Uri("/api/2.0/mlflow/experiments/create", UriKind.Relative), body, Xunit.TestContext.Current.CancellationToken);
            Assert.True(created.IsSuccessStatusCode);
        }

        // Closed in good order: all of it is in the one file.
        Assert.Equal([path], Directory.GetFiles(Path.GetDirectoryName(path)!));
        await using var second = await MlflowServer.StartAsync(Options(path), Xunit.TestContext.Current.CancellationToken);
        using var again = new HttpClient { BaseAddress = second.BaseAddress };
        Assert.Contains("\"kept\"", await again.GetStringAsync(new Uri("/api/2.0/mlflow/experiments/get-by-name?experiment_name=kept", UriKind.Relative), Xunit.TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WaitForShutdown_TokenCancelled_Completes()
    {
        await using var server = await MlflowServer.StartAsync(Options(_folder.File("mlflow.db")), Xunit.TestContext.Current.CancellationToken);
        using var stop = new CancellationTokenSource();
        var waiting = server.WaitForShutdownAsync(stop.Token);
        Assert.False(waiting.IsCompleted);

        await stop.CancelAsync();

        await waiting;
    }

    private async Task<string> FailureAsync(Action<MlflowServerOptions> configure)
    {
        var options = Options(_folder.File("mlflow.db"));
        configure(options);
        return (await Assert.ThrowsAsync<MlflowServerStartException>(() => MlflowServer.StartAsync(options))).Message;
    }

    private static MlflowServerOptions Options(string path) => new() { Port = 0, OtlpGrpcPort = null, BackendStoreUri = "sqlite:///" + path };
}
