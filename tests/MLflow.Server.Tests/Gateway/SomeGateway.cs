using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using MLflow.Server.Access;
using MLflow.Server.Storage;
using MLflow.Server.Tests.Hardening;
using MLflow.Server.Traces;
using Xunit;

namespace MLflow.Server.Tests.Gateway;

/// <summary>A server, and models on loopback behind its gateway.</summary>
internal sealed class SomeGateway : IAsyncDisposable
{
    public const string Key = "sk-proj-dXBzdHJlYW0ga2V5IG9mIGEgdGVzdA-wxyz";
    public const string Chat = "/gateway/openai/v1/chat/completions";

    private const string Root = "/api/3.0/mlflow/gateway/";

    private readonly HardenedServer _server;

    private SomeGateway(HardenedServer server, SomeUpstream upstream, SomeUpstream second)
    {
        _server = server;
        Upstream = upstream;
        Second = second;
    }

    public SomeUpstream Upstream { get; }

    public SomeUpstream Second { get; }

    public HardenedServer Server => _server;

    public HttpClient Client => _server.Client;

    public IServiceProvider Services => _server.Server.Services;

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    public static async Task<SomeGateway> StartAsync(Action<MlflowServerOptions>? configure = null)
    {
        var (first, second) = (new SomeUpstream(), new SomeUpstream());
        return new SomeGateway(
            await HardenedServer.StartAsync(options =>
            {
                options.GatewayAllowedHosts = [$"127.0.0.1:{first.Port}", $"127.0.0.1:{second.Port}"];
                configure?.Invoke(options);
            }),
            first,
            second);
    }

    /// <summary>An endpoint with a model at the first upstream.</summary>
    public async Task<JsonElement> AddAsync(string name = "chat", string model = "gpt-4o-mini", string more = "")
    {
        var id = await ModelAsync(name, model, Upstream.Base);
        return await EndpointAsync(name, $$"""[{"model_definition_id":"{{id}}"}]""", more);
    }

    /// <summary>An endpoint that asks the first upstream, and the second where that fails.</summary>
    public async Task<JsonElement> AddWithFallbackAsync(string name = "chat", string more = "")
    {
        var first = await ModelAsync(name + "-1", "gpt-4o-mini", Upstream.Base);
        var second = await ModelAsync(name + "-2", "gpt-4o", Second.Base);
        return await EndpointAsync(name, $$"""[{"model_definition_id":"{{first}}"},{"model_definition_id":"{{second}}","linkage_type":"FALLBACK"}]""", more);
    }

    public async Task<string> ModelAsync(string name, string model, string apiBase, string provider = "openai", string authConfig = "")
    {
        var secret = await AdminAsync("secrets/create", $$$"""{"secret_name":"{{{name}}}","secret_value":{"api_key":"{{{Key}}}"},"provider":"{{{provider}}}","auth_config":{"api_base":"{{{apiBase}}}"{{{authConfig}}}}}""");
        var id = secret.GetProperty("secret").GetProperty("secret_id").GetString();
        var made = await AdminAsync("model-definitions/create", $$"""{"name":"{{name}}","secret_id":"{{id}}","provider":"{{provider}}","model_name":"{{model}}"}""");
        return made.GetProperty("model_definition").GetProperty("model_definition_id").GetString()!;
    }

    public async Task<JsonElement> EndpointAsync(string name, string models, string more = "") =>
        (await AdminAsync("endpoints/create", $$"""{"name":"{{name}}","model_configs":{{models}}{{more}}}""")).GetProperty("endpoint");

    public async Task<JsonElement> AdminAsync(string path, string json)
    {
        var (status, body, _) = await _server.PostJsonAsync(Root + path, json);
        Assert.True(status == 200, body);
        return JsonDocument.Parse(body).RootElement.Clone();
    }

    public static HttpRequestMessage Request(string body = """{"model":"chat","messages":[{"role":"user","content":"Hi"}]}""", string path = Chat, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }

    public async Task<(int Status, string Body, HttpResponseMessage Response)> SendAsync(HttpRequestMessage request)
    {
        var response = await Client.SendAsync(request, Token);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(Token), response);
    }

    public static string TraceOf(HttpResponseMessage response) => response.Headers.GetValues("X-MLflow-Trace-Id").Single();

    /// <summary>The trace of a call, when it is stored.</summary>
    public async Task<(TraceInfo Info, SpanRecord Span)> TraceAsync(string traceId)
    {
        var store = Services.GetRequiredService<ITraceStore>();
        using var watch = Services.GetRequiredService<TraceChanges>().Watch(_ => true);
        while (true)
        {
            if (await store.GetInfosAsync([traceId], Token) is [var info] && await store.GetSpansAsync(traceId, Token) is [var span])
            {
                return (info, span);
            }

            // It is on its way.
            await watch.WaitAsync(Token);
        }
    }

    public Task<(TraceInfo Info, SpanRecord Span)> TraceAsync(HttpResponseMessage response) => TraceAsync(TraceOf(response));

    public async Task<AuthenticationHeaderValue> UserAsync(string name, Permission permission, TokenScope scope, bool isAdmin = false)
    {
        var users = Services.GetRequiredService<IAccessStore>();
        var user = await users.CreateUserAsync(new NewUser(name, null, isAdmin, permission), onlyFirst: false, Token);
        var (_, secret) = await Services.GetRequiredService<AccessAdministration>().CreateTokenAsync(Actor.CommandLine, user, "test", scope, null, null, Token);
        return new AuthenticationHeaderValue("Bearer", secret.Text);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await Upstream.DisposeAsync();
        await Second.DisposeAsync();
    }
}
