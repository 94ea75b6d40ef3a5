using System.Text;
using MLflow.Tests.Databricks.Workspace;
using Xunit;

namespace MLflow.Tests.Databricks;

/// <summary>A test with a workspace and clients that trace into it.</summary>
public abstract class ClientTestBase : WorkspaceTestBase
{
    protected const string Experiment = "/Shared/app";

    private readonly List<MlflowClient> _clients = [];
    private readonly int _exceptionsBefore = SeenExceptions.Count;

    private protected RecordingLog Log { get; } = new();

    /// <summary>A folder for what waits on the disk.</summary>
    protected string SpoolFolder { get; } = Directory.CreateTempSubdirectory("mlflow-dbx-").FullName;

    public override async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
        {
            await client.DisposeAsync();
        }

        // Whatever a test was about.
        Assert.All(Log.Lines, AssertNoSecrets);
        Assert.All(Directory.GetFiles(SpoolFolder), file => AssertNoSecrets(Encoding.Latin1.GetString(File.ReadAllBytes(file))));
        Assert.All(Workspace.Storage.Objects.Values, document => AssertNoSecrets(Encoding.UTF8.GetString(document)));
        Assert.All(Workspace.Traces.All.Concat(Workspace.Catalog.Traces), trace => AssertNoSecrets(trace.Info.ToJsonString()));
        Assert.All(Workspace.To(CatalogSpanEndpoints.Path), request => AssertNoSecrets(Encoding.UTF8.GetString(request.Body)));
        Assert.All(SeenExceptions.Since(_exceptionsBefore), AssertNoSecrets);
        Directory.Delete(SpoolFolder, recursive: true);
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>A client with a personal token, unless it is told otherwise.</summary>
    protected MlflowClient Client(Action<MlflowClientOptions>? configure = null, string? experiment = Experiment, TimeProvider? time = null)
    {
        var options = new MlflowClientOptions { TrackingUri = "databricks", Experiment = experiment, LoggerFactory = Log, TimeProvider = time };
        options.Databricks.Host = Workspace.Host;
        if (configure is null)
        {
            options.Databricks.Token = Workspace.Tokens.AddPersonal();
        }

        configure?.Invoke(options);
        var client = new MlflowClient(options);
        _clients.Add(client);
        return client;
    }

    /// <summary>No token, secret or signed address is in a text.</summary>
    protected void AssertNoSecrets(string text) =>
        Assert.All([.. Workspace.Tokens.Secrets, .. Workspace.Storage.Signatures], secret => Assert.DoesNotContain(secret, text, StringComparison.Ordinal));

    /// <summary>A trace of two spans.</summary>
    protected static string Trace(MlflowClient client, string question = "東京?")
    {
        using var root = client.StartSpan("ask", SpanType.Chain);
        root.SetInputs(new { question });
        using (var child = client.StartSpan("find", SpanType.Tool))
        {
            child.SetOutputs(3);
        }

        root.SetOutputs("sunny");
        return root.TraceId;
    }
}
