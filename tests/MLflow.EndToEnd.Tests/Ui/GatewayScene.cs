using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Microsoft.Playwright;
using MLflow.EndToEnd.Tests.Cli;
using MLflow.Server;
using MLflow.Server.Tests.Gateway;
using Xunit;

namespace MLflow.EndToEnd.Tests.Ui;

/// <summary>A server with a gateway, and a model on loopback behind it.</summary>
internal sealed class GatewayScene : IAsyncDisposable
{
    public const string Key = "sk-proj-dGhlIGtleSBvZiBhIHByb3ZpZGVy-wxyz";
    public const string Password = "correct horse battery staple";
    public const string Stream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

    private const string Root = "api/3.0/mlflow/gateway/";

    private readonly TemporaryFolder _folder = new();
    private readonly HttpClient _client = new();
    private MlflowServer _server = null!;

    private GatewayScene()
    {
    }

    public SomeUpstream Upstream { get; } = new();

    public Uri BaseAddress => _server.BaseAddress;

    public Uri SetupAddress => _server.SetupAddress!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<GatewayScene> StartAsync(Action<MlflowServerOptions>? configure = null)
    {
        var scene = new GatewayScene();
        var options = new MlflowServerOptions
        {
            Port = 0,
            OtlpGrpcPort = null,
            BackendStoreUri = scene._folder.StoreUri,
            ArtifactsDestination = Path.Combine(scene._folder.Path, "artifacts"),
            GatewayAllowedHosts = [$"127.0.0.1:{scene.Upstream.Port}"],
        };
        configure?.Invoke(options);
        scene._server = await MlflowServer.StartAsync(options, Token);
        scene._client.BaseAddress = new Uri(scene._server.BaseAddress, options.StaticPrefix is { } prefix ? prefix.Trim('/') + "/" : "");
        scene.Upstream.Answer = request => request.SendAsync(SomeUpstream.Ok(Answer("Paris.")));
        return scene;
    }

    /// <summary>An answer of Chat Completions.</summary>
    public static string Answer(string text, int input = 1000, int output = 500) =>
        JsonSerializer.Serialize(new { id = "c1", @object = "chat.completion", created = 1, model = "gpt-4o-mini", choices = new[] { new { index = 0, message = new { role = "assistant", content = text }, finish_reason = "stop" } }, usage = new { prompt_tokens = input, completion_tokens = output, total_tokens = input + output } });

    /// <summary>A piece of a streamed one.</summary>
    public static string Chunk(string text, string? finish = null) =>
        $"data: {JsonSerializer.Serialize(new { id = "c1", @object = "chat.completion.chunk", created = 1, model = "gpt-4o-mini", choices = new[] { new { index = 0, delta = new { content = text }, finish_reason = finish } } })}\n\n";

    /// <summary>An endpoint with the model behind it, by MLflow's own calls.</summary>
    public async Task<JsonElement> AddAsync(string name = "chat", string more = "", string key = "openai")
    {
        var secrets = await GetAsync("secrets/list");
        var secret = (secrets.TryGetProperty("secrets", out var there) ? there.EnumerateArray() : default).FirstOrDefault(one => one.GetProperty("secret_name").GetString() == key);
        var secretId = secret.ValueKind == JsonValueKind.Object ? secret.GetProperty("secret_id").GetString()
            : (await PostAsync("secrets/create", $$$"""{"secret_name":"{{{key}}}","secret_value":{"api_key":"{{{Key}}}"},"auth_config":{"api_base":"{{{Upstream.Base}}}"}}""")).GetProperty("secret").GetProperty("secret_id").GetString();
        var model = await PostAsync("model-definitions/create", $$"""{"name":"{{name}}-model","secret_id":"{{secretId}}","provider":"openai","model_name":"gpt-4o-mini"}""");
        var id = model.GetProperty("model_definition").GetProperty("model_definition_id").GetString();
        return (await PostAsync("endpoints/create", $$"""{"name":"{{name}}","model_configs":[{"model_definition_id":"{{id}}"}]{{more}}}""")).GetProperty("endpoint");
    }

    /// <summary>The same with two models that share the calls, and a fallback.</summary>
    public async Task AddFallbackAsync(string name)
    {
        var secretId = (await GetAsync("secrets/list")).GetProperty("secrets")[0].GetProperty("secret_id").GetString();
        var ids = new List<string?>();
        foreach (var model in (string[])["gpt-4o", "gpt-4.1", "gpt-4.1-mini"])
        {
            ids.Add((await PostAsync("model-definitions/create", $$"""{"name":"{{model}}","secret_id":"{{secretId}}","provider":"openai","model_name":"{{model}}"}""")).GetProperty("model_definition").GetProperty("model_definition_id").GetString());
        }

        await PostAsync("endpoints/create", $$"""{"name":"{{name}}","model_configs":[{"model_definition_id":"{{ids[0]}}","weight":3},{"model_definition_id":"{{ids[1]}}","weight":1},{"model_definition_id":"{{ids[2]}}","linkage_type":"FALLBACK"}]}""");
    }

    public Task<JsonElement> GetAsync(string path) => SendAsync(HttpMethod.Get, Root + path, null);

    public Task<JsonElement> PostAsync(string path, string json) => SendAsync(HttpMethod.Post, Root + path, json);

    /// <summary>Calls an endpoint, and waits until the call is counted.</summary>
    public async Task CallAsync(string endpoint = "chat")
    {
        using var response = await TryAsync(endpoint);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Token));
        await TraceAsync(response.Headers.GetValues("X-MLflow-Trace-Id").Single());
    }

    public async Task<HttpResponseMessage> TryAsync(string endpoint = "chat")
    {
        using var content = new StringContent($$"""{"model":"{{endpoint}}","messages":[{"role":"user","content":"What is the capital of France?"}]}""", Encoding.UTF8, "application/json");
        return await _client.PostAsync(new Uri("gateway/openai/v1/chat/completions", UriKind.Relative), content, Token);
    }

    /// <summary>A trace with its spans, when it is stored.</summary>
    public async Task<JsonElement> TraceAsync(string traceId)
    {
        while (true)
        {
            Token.ThrowIfCancellationRequested();
            using var response = await _client.GetAsync(new Uri($"api/3.0/mlflow/traces/get?trace_id={traceId}", UriKind.Relative), Token);
            if (response.IsSuccessStatusCode)
            {
                return JsonDocument.Parse(await response.Content.ReadAsStringAsync(Token)).RootElement.GetProperty("trace").Clone();
            }

            await Task.Yield();
        }
    }

    /// <summary>A trace as a program would send it.</summary>
    public async Task SendAsync(SceneTrace scene)
    {
        using var content = new ByteArrayContent(scene.ToRequest().ToByteArray());
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
        using var message = new HttpRequestMessage(HttpMethod.Post, "v1/traces") { Content = content };
        message.Headers.Add("x-mlflow-experiment-id", "0");
        using var spans = await _client.SendAsync(message, Token);
        spans.EnsureSuccessStatusCode();
        await SendAsync(HttpMethod.Post, "api/3.0/mlflow/traces", JsonSerializer.Serialize(scene.ToInfo(0, scene.State)));
    }

    /// <summary>Makes the first user, or signs in, and stays on the page that follows.</summary>
    public static async Task SignInAsync(IPage page, string name, string button)
    {
        await page.GetByLabel("User name").FillAsync(name);
        await page.GetByLabel("Password").FillAsync(Password);
        await page.GetByRole(AriaRole.Button, new() { Name = button }).ClickAsync();
        await Assertions.Expect(page).Not.ToHaveURLAsync(new System.Text.RegularExpressions.Regex("setup|login"));
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
        await Upstream.DisposeAsync();
        _folder.Dispose();
    }

    private async Task<JsonElement> SendAsync(HttpMethod method, string path, string? json)
    {
        using var request = new HttpRequestMessage(method, path) { Content = json is null ? null : new StringContent(json, Encoding.UTF8, "application/json") };
        using var response = await _client.SendAsync(request, Token);
        var body = await response.Content.ReadAsStringAsync(Token);
        Assert.True(response.IsSuccessStatusCode, body);
        return JsonDocument.Parse(body).RootElement.Clone();
    }
}
