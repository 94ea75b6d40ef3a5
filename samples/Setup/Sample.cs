using System.ClientModel;
using MLflow.Cli.Demo;
using MLflow.Cli.Demo.Scripted;
using OpenAI;

namespace MLflow.Samples;

/// <summary>
/// Lets a sample run without a key: its model calls go to OpenAI when <c>OPENAI_API_KEY</c> is set (to <c>OPENAI_BASE_URL</c> when that is set too),
/// else to the bundled scripted endpoint, and the screen says which. An application of yours needs none of this.
/// </summary>
public sealed class Sample : IAsyncDisposable
{
    private const string DefaultTrackingUri = "http://localhost:5000";
    private const string AzureAddressVariable = "AZURE_OPENAI_ENDPOINT";
    private const string AzureKeyVariable = "AZURE_OPENAI_API_KEY";

    private readonly Uri _address;
    private readonly IAsyncDisposable? _endpoint;

    private Sample(ApiKeyCredential key, Uri address, string description, IAsyncDisposable? endpoint)
    {
        Key = key;
        _address = address;
        _endpoint = endpoint;
        Console.WriteLine($"[sample] Model calls go to {description}.");
    }

    /// <summary>Where the traces go: <c>MLFLOW_TRACKING_URI</c>, else <c>http://localhost:5000</c>.</summary>
    public static string TrackingUri =>
        Environment.GetEnvironmentVariable("MLFLOW_TRACKING_URI") is { Length: > 0 } uri ? uri : DefaultTrackingUri;

    /// <summary>The key for a client.</summary>
    public ApiKeyCredential Key { get; }

    /// <summary>The address for a client.</summary>
    public OpenAIClientOptions Options => new() { Endpoint = _address };

    /// <summary>Opens the endpoint and says on screen which it is.</summary>
    public static async Task<Sample> StartAsync(CancellationToken cancellationToken = default)
    {
        var model = await ModelEndpoint.OpenAsync(cancellationToken);
        return new Sample(model.Credential, model.Address, model.Description, model);
    }

    /// <summary>The same for Azure OpenAI: the resource of <c>AZURE_OPENAI_ENDPOINT</c> with <c>AZURE_OPENAI_API_KEY</c>, by its v1 address.</summary>
    public static async Task<Sample> StartAzureAsync(CancellationToken cancellationToken = default)
    {
        var key = Environment.GetEnvironmentVariable(AzureKeyVariable);
        if (Uri.TryCreate(Environment.GetEnvironmentVariable(AzureAddressVariable), UriKind.Absolute, out var resource) && !string.IsNullOrWhiteSpace(key))
        {
            var address = new Uri(resource, "/openai/v1/");
            return new Sample(new ApiKeyCredential(key.Trim()), address, $"{address} with the key in {AzureKeyVariable}", endpoint: null);
        }

        var scripted = await ScriptedOpenAI.StartAsync(cancellationToken: cancellationToken);
        return new Sample(
            new ApiKeyCredential(ScriptedOpenAI.ApiKey),
            scripted.AzureEndpoint,
            $"the bundled scripted endpoint at {scripted.AzureEndpoint} (its answers are written in advance; set {AzureAddressVariable} and {AzureKeyVariable} to ask Azure)",
            scripted);
    }

    /// <summary>Waits until the traces are stored and says where to see the last one.</summary>
    public async ValueTask DisposeAsync()
    {
        var traceId = Mlflow.GetLastActiveTraceId();
        var flushed = await Mlflow.FlushAsync();
        if (_endpoint is not null)
        {
            await _endpoint.DisposeAsync();
        }

        Console.WriteLine(flushed.Exported > 0 && flushed.Pending == 0 && flushed.Dropped == 0
            ? $"[sample] Traces stored: {flushed.Exported}.{(traceId is null ? "" : $" The last one: {TrackingUri.TrimEnd('/')}/traces/{traceId}")}"
            : $"[sample] Traces stored: {flushed.Exported}, not stored: {flushed.Pending + flushed.Dropped}. Is a tracking server running at {TrackingUri}? Start one with: dotnet mlflow server");
    }
}
