using System.Text.Json;
using MLflow.Server.Access;
using MLflow.Server.Access.Http;
using MLflow.Server.Rest;

namespace MLflow.Server.Gateway;

/// <summary><c>/gateway/openai/v1/…</c>, which any client of OpenAI can use, and MLflow's own routes.</summary>
internal static class GatewayEndpoints
{
    private static readonly string[] Roots = ["/gateway/openai/v1/", "/gateway/mlflow/v1/"];

    private static readonly string[] Operations =
    [
        "chat/completions", "completions", "responses", "responses/compact", "embeddings", "moderations", "images/generations", "images/edits", "images/variations", "audio/speech", "audio/transcriptions", "audio/translations",
    ];

    public static void MapGateway(this IEndpointRouteBuilder routes)
    {
        foreach (var root in Roots)
        {
            foreach (var operation in Operations)
            {
                routes.MapMethods(root + operation, [HttpMethods.Post], (HttpContext context, GatewayProxy proxy) => proxy.PassAsync(context, operation, null)).RequireAccess(AccessPolicies.Write);
            }

            routes.MapMethods(root + "models", [HttpMethods.Get], ListAsync).RequireAccess(AccessPolicies.Write);
            routes.MapMethods(root + "models/{model}", [HttpMethods.Get], GetAsync).RequireAccess(AccessPolicies.Write);
        }

        routes.MapMethods("/gateway/{endpoint}/mlflow/invocations", [HttpMethods.Post], (HttpContext context, string endpoint, GatewayProxy proxy) => proxy.PassAsync(context, null, endpoint)).RequireAccess(AccessPolicies.Write);
        routes.MapMethods("/gateway/{endpoint}/invocations", [HttpMethods.Post], (HttpContext context, string endpoint, GatewayProxy proxy) => proxy.PassAsync(context, null, endpoint)).RequireAccess(AccessPolicies.Write);
    }

    private static async Task<IResult> ListAsync(CurrentCaller current, GatewayAdministration administration)
    {
        var caller = await current.GetAsync().ConfigureAwait(false);
        var endpoints = administration.Current().Endpoints.Where(endpoint => caller.May(ExperimentRights.Ingest, endpoint.ExperimentId)).ToList();
        return new JsonAnswer(writer =>
        {
            writer.WriteString("object", "list");
            writer.WriteArray("data", endpoints.SelectMany(endpoint => endpoint.Aliases.Prepend(endpoint.Name).Select(name => (endpoint, name))), static (w, model) =>
            {
                w.WriteStartObject();
                Write(w, model.endpoint, model.name);
                w.WriteEndObject();
            });
        });
    }

    private static async Task GetAsync(HttpContext context, string model, CurrentCaller current, GatewayAdministration administration)
    {
        var caller = await current.GetAsync().ConfigureAwait(false);
        var answer = administration.Current().Find(model) is { } endpoint && caller.May(ExperimentRights.Ingest, endpoint.ExperimentId)
            ? new JsonAnswer(writer => Write(writer, endpoint, model)).ExecuteAsync(context)
            : GatewayAnswers.WriteAsync(context, new GatewayRefusal(StatusCodes.Status404NotFound, "invalid_request_error", "model_not_found", $"GatewayEndpoint not found (name='{TracePreview.Cut(model, 255)}')"));
        await answer.ConfigureAwait(false);
    }

    private static void Write(Utf8JsonWriter writer, GatewayEndpoint endpoint, string name)
    {
        writer.WriteString("id", name);
        writer.WriteString("object", "model");
        writer.WriteNumber("created", endpoint.CreatedMs / 1000);
        writer.WriteString("owned_by", "mlflow-gateway");
    }
}
