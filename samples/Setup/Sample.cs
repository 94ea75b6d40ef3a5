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

    private const string HostVariable = "DATABRICKS_HOST";
    private const string TokenVariable = "DATABRICKS_TOKEN";

    private readonly Uri _address;
    private readonly IAsyncDisposable? _endpoint;

    private Sample(ApiKeyCredential key, Uri address, string description, IAsyncDisposable? endpoint, bool usesWorkspace = false)
    {
        Key = key;
        HasWorkspace = usesWorkspace && FindWorkspace();
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

    /// <summary>Whether a Databricks workspace is configured.</summary>
    public bool HasWorkspace { get; }

    /// <summary><c>databricks</c>, or where no workspace is configured <see cref="TrackingUri"/>.</summary>
    public string WorkspaceUri => HasWorkspace ? "databricks" : TrackingUri;

    /// <summary>The address for a client with a key of its own: OpenAI's, or <c>OPENAI_BASE_URL</c>. The sample's own key opens its endpoint alone.</summary>
    public OpenAIClientOptions OptionsFor(ApiKeyCredential key) =>
        ReferenceEquals(key, Key) ? Options
        : Uri.TryCreate(Environment.GetEnvironmentVariable("OPENAI_BASE_URL"), UriKind.Absolute, out var address) ? new OpenAIClientOptions { Endpoint = address }
        : new OpenAIClientOptions();

    /// <summary>Opens the endpoint and says on screen which it is.</summary>
    public static async Task<Sample> StartAsync(CancellationToken cancellationToken = default)
    {
        var model = await ModelEndpoint.OpenAsync(cancellationToken);
        return new Sample(model.Credential, model.Address, model.Description, model);
    }

    /// <summary>The same, for traces that go to a Databricks workspace where one is configured.</summary>
    public static async Task<Sample> StartDatabricksAsync(CancellationToken cancellationToken = default)
    {
        var model = await ModelEndpoint.OpenAsync(cancellationToken);
        return new Sample(model.Credential, model.Address, model.Description, model, usesWorkspace: true);
    }

    /// <summary>The same for serving endpoints of the workspace <c>DATABRICKS_HOST</c>, asked with <c>DATABRICKS_TOKEN</c>.</summary>
    public static async Task<Sample> StartServingAsync(CancellationToken cancellationToken = default)
    {
        var token = Environment.GetEnvironmentVariable(TokenVariable);
        if (Uri.TryCreate(Environment.GetEnvironmentVariable(HostVariable), UriKind.Absolute, out var workspace) && !string.IsNullOrWhiteSpace(token))
        {
            var address = new Uri(workspace, "/serving-endpoints");
            return new Sample(new ApiKeyCredential(token.Trim()), address, $"{address} with the token in {TokenVariable}", endpoint: null, usesWorkspace: true);
        }

        var scripted = await ScriptedOpenAI.StartAsync(cancellationToken: cancellationToken);
        return new Sample(
            new ApiKeyCredential(ScriptedOpenAI.ApiKey),
            scripted.Endpoint,
            $"the bundled scripted endpoint at {scripted.Endpoint} (its answers are written in advance; set {HostVariable} and {TokenVariable} to ask a workspace)",
            scripted,
            usesWorkspace: true);
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

        var isWorkspace = Mlflow.TrackingUri.StartsWith("databricks", StringComparison.Ordinal);
        Console.WriteLine(flushed.Exported > 0 && flushed.Pending + flushed.Spooled + flushed.Dropped == 0
            ? $"[sample] Traces stored: {flushed.Exported}.{(traceId is null ? "" : $" The last one: {(isWorkspace ? traceId : $"{TrackingUri.TrimEnd('/')}/traces/{traceId}")}")}"
            : $"[sample] Traces stored: {flushed.Exported}, not stored: {flushed.Pending + flushed.Spooled + flushed.Dropped}. {(isWorkspace || flushed.LastError?.Contains(" answered ", StringComparison.Ordinal) == true ? flushed.LastError : $"Is a tracking server running at {TrackingUri}? Start one with: dotnet run --project src/MLflow.Cli -- server")}");
    }

    private static bool FindWorkspace()
    {
        try
        {
            new DatabricksSecretsClient().Dispose();
            Console.WriteLine("[sample] Traces go to your Databricks workspace.");
            return true;
        }
        catch (ArgumentException e)
        {
            Console.WriteLine($"[sample] {e.Message.Split(" Looked for")[0]} So traces go to {TrackingUri}.");
            return false;
        }
    }
}
