using System.Net.Http.Json;
using System.Text.Json;
using MLflow.Server;
using Xunit;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>Autolog and the tracking URI are process-wide, so the tests that use them share one server and run one after the other.</summary>
[CollectionDefinition("tracked process", DisableParallelization = true)]
public sealed class TrackedProcessTests : ICollectionFixture<TrackedProcess>;

/// <summary>A tracking server with a database of its own, and this process traced into it.</summary>
public sealed class TrackedProcess : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mlflow-replay").FullName;
    private readonly HttpClient _http = new();
    private MlflowServer? _server;

    public async ValueTask InitializeAsync()
    {
        _server = await MlflowServer.StartAsync(new MlflowServerOptions
        {
            Port = 0,
            BackendStoreUri = "sqlite:///" + Path.Combine(_folder, "mlflow.db"),
            ArtifactsDestination = Path.Combine(_folder, "artifacts"),
        });
        _http.BaseAddress = _server.BaseAddress;
        Mlflow.SetTrackingUri(_server.BaseAddress.ToString());
        Mlflow.SetExperiment("replay");

        // Some recordings have credentials in them, made-up ones, and are compared as they are.
        Mlflow.SetPrivacy(privacy => privacy.ScrubSecrets = false);

        // The recordings are compared byte by byte, audio in them, too.
        Mlflow.OpenAI.Autolog(configure: options => options.Media = MediaCapture.Whole);
    }

    /// <summary>Reads a stored trace over HTTP, or null where the server has none of that id.</summary>
    public async Task<StoredTrace?> GetTraceAsync(string traceId, CancellationToken cancellationToken)
    {
        using var response = await _http.GetAsync($"api/3.0/mlflow/traces/get?trace_id={traceId}", cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            return null;
        }

        var body = await response.Content.ReadFromJsonAsync<JsonElement>(new JsonSerializerOptions { MaxDepth = 1024 }, cancellationToken);
        return new StoredTrace(body.GetProperty("trace"));
    }

    /// <summary>As it is answered.</summary>
    public Task<string> GetTextAsync(string traceId, CancellationToken cancellationToken) => _http.GetStringAsync($"api/3.0/mlflow/traces/get?trace_id={traceId}", cancellationToken);

    public async ValueTask DisposeAsync()
    {
        Mlflow.OpenAI.Autolog(disable: true);
        await Mlflow.FlushAsync();
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        _http.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
