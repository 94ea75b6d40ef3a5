using System.Net.Http.Json;
using System.Text.Json;
using Google.Protobuf;
using Microsoft.Extensions.DependencyInjection;
using MLflow.Server.Otlp.Protos;
using MLflow.Server.Storage;
using MLflow.Server.Traces;
using Xunit;

namespace MLflow.Server.Tests.Rest;

/// <summary>A server on a free port with its own database, and a client of it.</summary>
public class SomeServer : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();

    public MlflowServer Server { get; private set; } = null!;

    public HttpClient Client { get; private set; } = null!;

    public string DatabasePath => _folder.File("mlflow.db");

    public virtual async ValueTask InitializeAsync()
    {
        Server = await MlflowServer.StartAsync(new MlflowServerOptions
        {
            Port = 0,
            OtlpGrpcPort = 0,
            BackendStoreUri = await OpenStoreAsync(),
            ArtifactsDestination = _folder.File("artifacts"),
        });
        Client = new HttpClient { BaseAddress = Server.BaseAddress };
    }

    public async ValueTask DisposeAsync()
    {
        if (Server is not null)
        {
            Client.Dispose();
            await Server.DisposeAsync();
            await CloseStoreAsync();
        }

        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>The URI of the server's own database.</summary>
    protected virtual Task<string> OpenStoreAsync() => Task.FromResult("sqlite:///" + DatabasePath);

    protected virtual Task CloseStoreAsync() => Task.CompletedTask;

    internal async Task<(int Status, JsonElement Body)> GetAsync(string path) => await ReadAsync(await Client.GetAsync(new Uri(path, UriKind.Relative)));

    internal Task<(int Status, JsonElement Body)> PostAsync(string path, object body) => SendAsync(HttpMethod.Post, path, body);

    internal async Task<(int Status, JsonElement Body)> SendAsync(HttpMethod method, string path, object body)
    {
        using var content = body is string text ? new StringContent(text, null, "application/json") : (HttpContent)JsonContent.Create(body);
        using var request = new HttpRequestMessage(method, path) { Content = content };
        return await ReadAsync(await Client.SendAsync(request));
    }

    internal async Task<IReadOnlyList<SpanRecord>> SpansAsync(string traceId) =>
        await Server.Services.GetRequiredService<ITraceStore>().GetSpansAsync(traceId, Xunit.TestContext.Current.CancellationToken);

    internal async Task<HttpResponseMessage> ExportAsync(ExportTraceServiceRequest request, long? experimentId = null, string? userAgent = null)
    {
        using var content = new ByteArrayContent(request.ToByteArray());
        content.Headers.ContentType = new("application/x-protobuf");
        using var message = new HttpRequestMessage(HttpMethod.Post, "/v1/traces") { Content = content };
        if (experimentId is { } id)
        {
            message.Headers.Add("x-mlflow-experiment-id", id.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }

        if (userAgent is not null)
        {
            message.Headers.TryAddWithoutValidation("User-Agent", userAgent);
        }

        return await Client.SendAsync(message);
    }

    /// <summary>Posts bytes as an exporter does; the answer's status.</summary>
    internal async Task<int> PostBytesAsync(string path, byte[] body, string contentType = "application/x-protobuf")
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new(contentType);
        using var response = await Client.PostAsync(new Uri(path, UriKind.Relative), content);
        return (int)response.StatusCode;
    }

    private static async Task<(int Status, JsonElement Body)> ReadAsync(HttpResponseMessage response)
    {
        using (response)
        {
            var text = await response.Content.ReadAsStringAsync();
            return ((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType == "application/json" ? JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 2000 }).RootElement : default);
        }
    }
}
