using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>Serving endpoints and the AI Gateway, fact sheet §3a. Asked for chat and embeddings; the sheet's other paths (completions, responses) are not needed and refused.</summary>
internal sealed class ServingEndpoints(StandInWorkspace workspace) : IWorkspaceEndpoints
{
    public void Map(IEndpointRouteBuilder routes)
    {
        // Fact sheet §3a: what the OpenAI SDK asks below /serving-endpoints; "model" is the name of the endpoint.
        routes.MapPost("/serving-endpoints/chat/completions", context => NamedAsync(context, ServeChatAsync));
        routes.MapPost("/serving-endpoints/embeddings", context => NamedAsync(context, ServeEmbeddingsAsync));

        // Fact sheet §3a: the native path, with the same JSON.
        routes.MapPost("/serving-endpoints/{name}/invocations", InvokeAsync);

        // Fact sheet §3a: AI Gateway, OpenAI style for any provider, and OpenAI's own.
        routes.MapPost("/ai-gateway/mlflow/v1/chat/completions", context => NamedAsync(context, ServeChatAsync));
        routes.MapPost("/ai-gateway/openai/v1/chat/completions", context => NamedAsync(context, ServeChatAsync));

        // Fact sheet §3a: list of endpoints. Of an item the sheet tells no more than that it has a name.
        routes.MapGet("/api/2.0/serving-endpoints", context => ApiAnswers.OkAsync(context, new { endpoints = workspace.Models.Keys.Select(name => new { name }) }));
    }

    private Task NamedAsync(HttpContext context, Func<HttpContext, JsonObject, string, Task> serve)
    {
        var body = JsonNode.Parse(ApiRequest.Body(context))!.AsObject();
        return ServeAsync(context, body, ApiRequest.Text(body, "model"), serve);
    }

    private Task InvokeAsync(HttpContext context)
    {
        var body = JsonNode.Parse(ApiRequest.Body(context))!.AsObject();
        return ServeAsync(context, body, ApiRequest.Route(context, "name"), body["messages"] is not null ? ServeChatAsync : ServeEmbeddingsAsync);
    }

    private async Task ServeAsync(HttpContext context, JsonObject body, string? endpoint, Func<HttpContext, JsonObject, string, Task> serve)
    {
        // Fact sheet §3a: 429 with this code where a rate is exceeded.
        if (!await workspace.Quotas.TryTakeAsync(context, QuotaGroup.ServeModels))
        {
            return;
        }

        await (endpoint is not null && workspace.Models.TryGetValue(endpoint, out var model)
            ? serve(context, body, model)
            : ApiAnswers.MissingAsync(context, $"The given endpoint '{endpoint}' does not exist, please retry after checking the specified model and version deployment exists."));
    }

    private static Task ServeChatAsync(HttpContext context, JsonObject body, string model) => ServedModel.ChatAsync(context, body, model);

    private static Task ServeEmbeddingsAsync(HttpContext context, JsonObject body, string model) => ServedModel.EmbeddingsAsync(context, model);
}
