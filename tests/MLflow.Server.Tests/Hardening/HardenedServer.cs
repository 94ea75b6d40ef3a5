using System.Net;
using System.Net.Sockets;
using System.Text;
using Google.Protobuf;
using MLflow.Server.Otlp.Protos;

namespace MLflow.Server.Tests.Hardening;

/// <summary>A server with settings of one test, and the bytes that no client of good will sends.</summary>
internal sealed class HardenedServer : IAsyncDisposable
{
    private readonly TemporaryFolder _folder;
    private readonly MlflowServer _server;

    private HardenedServer(TemporaryFolder folder, MlflowServer server)
    {
        _folder = folder;
        _server = server;
        Client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ActivityHeadersPropagator = null }) { BaseAddress = server.BaseAddress };
    }

    public HttpClient Client { get; }

    public MlflowServer Server => _server;

    public string Artifacts => _folder.File("artifacts");

    public string Folder => _folder.Path;

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    public static async Task<HardenedServer> StartAsync(Action<MlflowServerOptions>? configure = null)
    {
        var folder = new TemporaryFolder();
        var options = new MlflowServerOptions { Port = 0, OtlpGrpcPort = null, BackendStoreUri = "sqlite:///" + folder.File("mlflow.db"), ArtifactsDestination = folder.File("artifacts") };
        configure?.Invoke(options);
        return new HardenedServer(folder, await MlflowServer.StartAsync(options, Token));
    }

    /// <summary>Sends a request with headers as they are given, and reads the answer whole.</summary>
    public async Task<(int Status, string Body, HttpResponseMessage Response)> SendAsync(string method, string path, HttpContent? content = null, params (string Name, string Value)[] headers)
    {
        var address = new Uri(_server.BaseAddress.GetLeftPart(UriPartial.Authority) + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        using var request = new HttpRequestMessage(new HttpMethod(method), address) { Content = content };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        var response = await Client.SendAsync(request, Token);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(Token), response);
    }

    public Task<(int Status, string Body, HttpResponseMessage Response)> PostJsonAsync(string path, string json) => SendAsync("POST", path, new StringContent(json, null, "application/json"));

    public async Task<(int Status, string Message)> ExportAsync(ExportTraceServiceRequest request)
    {
        using var content = new ByteArrayContent(request.ToByteArray());
        content.Headers.ContentType = new("application/x-protobuf");
        using var response = await Client.PostAsync(new Uri("/v1/traces", UriKind.Relative), content, Token);
        var body = await response.Content.ReadAsByteArrayAsync(Token);
        return ((int)response.StatusCode, response.IsSuccessStatusCode ? ExportTraceServiceResponse.Parser.ParseFrom(body).PartialSuccess?.ErrorMessage ?? "" : RpcStatus.Parser.ParseFrom(body).Message);
    }

    /// <summary>Opens a connection, writes the text, and reads until the server closes.</summary>
    public async Task<string> RawAsync(string text)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, _server.BaseAddress.Port, Token);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(text), Token);
        using var reader = new StreamReader(stream, Encoding.Latin1);
        return await reader.ReadToEndAsync(Token);
    }

    public static ExportTraceServiceRequest Request(params Span[] spans) => new() { ResourceSpans = { new ResourceSpans { ScopeSpans = { new ScopeSpans { Spans = { spans } } } } } };

    public static Span Span(string name = "s", byte[]? traceId = null, long spanId = 1) => new()
    {
        TraceId = ByteString.CopyFrom(traceId ?? Guid.NewGuid().ToByteArray()),
        SpanId = ByteString.CopyFrom(BitConverter.GetBytes(spanId)),
        Name = name,
        StartTimeUnixNano = 1_000_000,
        EndTimeUnixNano = 2_000_000,
    };

    public static KeyValue Attribute(string key, string value) => new() { Key = key, Value = new AnyValue { StringValue = value } };

    /// <summary>So that all is in the database's own file.</summary>
    public ValueTask DisposeServerAsync() => _server.DisposeAsync();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _server.DisposeAsync();
        _folder.Dispose();
    }
}
