using MLflow.EndToEnd.Tests.Cli;
using MLflow.Server;
using Xunit;

namespace MLflow.EndToEnd.Tests.Client;

/// <summary>A client of ours and a server of ours, with nothing between them but HTTP.</summary>
public abstract class ClientTestBase : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private MlflowServer _server = null!;

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    protected MlflowClient Client { get; private set; } = null!;

    protected string Address => _server.BaseAddress.ToString();

    public async ValueTask InitializeAsync()
    {
        _server = await MlflowServer.StartAsync(new MlflowServerOptions { Port = 0, BackendStoreUri = _folder.StoreUri }, Token);
        Client = new MlflowClient(new MlflowClientOptions { TrackingUri = Address, Experiment = "mine" });
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await _server.DisposeAsync();
        _folder.Dispose();
        await EndAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>What a test class has to clean up itself.</summary>
    protected virtual ValueTask EndAsync() => ValueTask.CompletedTask;

    /// <summary>A trace with one span, not flushed.</summary>
    protected string Trace(string name = "work", string type = SpanType.Chain, Exception? error = null)
    {
        using var span = Client.StartSpan(name, type);
        if (error is not null)
        {
            span.RecordException(error);
        }

        return span.TraceId;
    }
}
