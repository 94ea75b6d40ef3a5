using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>
/// Stands in for the gateway of MLflow's own server (fact sheet §3c.5) and for the one before it (§3b), with one endpoint, <c>chat</c>. As there, streams end without <c>[DONE]</c>.
/// </summary>
internal sealed class StandInMlflowGateway : IAsyncDisposable
{
    public const string Endpoint = "chat";
    public const string Model = "gpt-4o-mini-2024-07-18";

    private readonly ConcurrentQueue<string> _unlisted = new();
    private LoopbackHost? _host;

    private StandInMlflowGateway()
    {
    }

    public Uri Address => new($"http://127.0.0.1:{_host!.Port}");

    public IReadOnlyCollection<string> Unlisted => _unlisted;

    public static async Task<StandInMlflowGateway> StartAsync()
    {
        var gateway = new StandInMlflowGateway();
        gateway._host = await LoopbackHost.StartAsync(app => app.Run(gateway.AnswerAsync), isEncrypted: false);
        return gateway;
    }

    public ValueTask DisposeAsync() => _host!.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var body = JsonNode.Parse(await ApiRequest.BufferAsync(context))!.AsObject();
        var model = ApiRequest.Text(body, "model");
        switch (context.Request.Path.Value)
        {
            // §3c.5: unified, and OpenAI's own API passed through; §3b: the same of the older one. "model" is the endpoint.
            case "/gateway/mlflow/v1/chat/completions" or "/gateway/openai/v1/chat/completions" or "/v1/chat/completions":
                await (model is null ? RefuseAsync(context, 400, "Missing required 'model' parameter in request body")
                    : model != Endpoint ? RefuseAsync(context, 404, $"GatewayEndpoint not found (name='{model}')")
                    : ServedModel.ChatAsync(context, body, Model, saysDone: false));
                break;
            case "/gateway/openai/v1/embeddings":
                await ServedModel.EmbeddingsAsync(context, "text-embedding-3-small");
                break;

            // §3c.5 and §3b: the endpoint is in the path, and "model" must not be in the body.
            case $"/gateway/{Endpoint}/mlflow/invocations" or $"/endpoints/{Endpoint}/invocations" or $"/gateway/{Endpoint}/invocations":
                await (model is not null ? RefuseAsync(context, 422, "The parameter 'model' is not permitted to be passed.")
                    : body["messages"] is not null ? ServedModel.ChatAsync(context, body, Model, saysDone: false)
                    : RefuseAsync(context, 400, "Invalid request: payload format must be either chat or embeddings"));
                break;
            default:
                _unlisted.Enqueue(context.Request.Path);
                await RefuseAsync(context, 404, "Not Found");
                break;
        }
    }

    /// <summary>§3b: errors are <c>{"detail"}</c>.</summary>
    private static Task RefuseAsync(HttpContext context, int status, string detail)
    {
        context.Response.StatusCode = status;
        return ApiAnswers.OkAsync(context, new { detail });
    }
}
