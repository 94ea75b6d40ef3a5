using MLflow.Server;
using Xunit;

namespace MLflow.EndToEnd.Tests.Replay;

/// <summary>Autolog and the tracking URI are process-wide: these tests run alone.</summary>
[CollectionDefinition("regeneration", DisableParallelization = true)]
public sealed class RegenerationProcessTests : ICollectionFixture<RegenerationProcess>;

/// <summary>A tracking server with a database of its own, and this process traced into it with all content.</summary>
public sealed class RegenerationProcess : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mlflow-regeneration").FullName;
    private MlflowServer? _server;

    public async ValueTask InitializeAsync()
    {
        _server = await MlflowServer.StartAsync(new MlflowServerOptions
        {
            Port = 0,
            BackendStoreUri = "sqlite:///" + Path.Combine(_folder, "mlflow.db"),
            ArtifactsDestination = Path.Combine(_folder, "artifacts"),
        });
        Mlflow.SetTrackingUri(_server.BaseAddress.ToString());
        Mlflow.SetExperiment("regeneration");

        // Some recordings have credentials in them, made-up ones, and are compared as they are.
        Mlflow.SetPrivacy(privacy => privacy.ScrubSecrets = false);
        Mlflow.OpenAI.Autolog(configure: options =>
        {
            options.Media = MediaCapture.Whole;
            options.IncludedHosts.Add("127.0.0.1");
            options.ExcludedHosts.Add(_server.BaseAddress.Authority);
        });
    }

    public async ValueTask DisposeAsync()
    {
        Mlflow.OpenAI.Autolog(disable: true);
        await Mlflow.FlushAsync();
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }
}
