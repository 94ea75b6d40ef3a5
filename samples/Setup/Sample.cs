using System.ClientModel;
using MLflow.Cli.Demo;
using OpenAI;

namespace MLflow.Samples;

/// <summary>
/// Lets a sample run without a key: its model calls go to OpenAI when <c>OPENAI_API_KEY</c> is set (to <c>OPENAI_BASE_URL</c> when that is set too),
/// else to the bundled scripted endpoint, and the screen says which. An application of yours needs none of this.
/// </summary>
public sealed class Sample : IAsyncDisposable
{
    private const string DefaultTrackingUri = "http://localhost:5000";

    private readonly ModelEndpoint _model;

    private Sample(ModelEndpoint model) => _model = model;

    /// <summary>Where the traces go: <c>MLFLOW_TRACKING_URI</c>, else <c>http://localhost:5000</c>.</summary>
    public static string TrackingUri =>
        Environment.GetEnvironmentVariable("MLFLOW_TRACKING_URI") is { Length: > 0 } uri ? uri : DefaultTrackingUri;

    /// <summary>The key for a client.</summary>
    public ApiKeyCredential Key => _model.Credential;

    /// <summary>The address for a client.</summary>
    public OpenAIClientOptions Options => _model.ClientOptions;

    /// <summary>Opens the endpoint and says on screen which it is.</summary>
    public static async Task<Sample> StartAsync(CancellationToken cancellationToken = default)
    {
        var model = await ModelEndpoint.OpenAsync(cancellationToken);
        Console.WriteLine($"[sample] Model calls go to {model.Description}.");
        return new Sample(model);
    }

    /// <summary>Waits until the traces are stored and says where to see the last one.</summary>
    public async ValueTask DisposeAsync()
    {
        var traceId = Mlflow.GetLastActiveTraceId();
        var flushed = await Mlflow.FlushAsync();
        await _model.DisposeAsync();
        Console.WriteLine(flushed.Exported > 0 && flushed.Pending == 0 && flushed.Dropped == 0
            ? $"[sample] Traces stored: {flushed.Exported}. The last one: {TrackingUri.TrimEnd('/')}/traces/{traceId}"
            : $"[sample] Traces stored: {flushed.Exported}, not stored: {flushed.Pending + flushed.Dropped}. Is a tracking server running at {TrackingUri}? Start one with: dotnet mlflow server");
    }
}
