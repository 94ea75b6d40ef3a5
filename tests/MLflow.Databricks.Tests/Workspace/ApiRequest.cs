using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>A request to the workspace's API, read strictly: what the sheets do not name is refused.</summary>
internal static class ApiRequest
{
    private const string BodyItem = "body";

    /// <summary>Keeps the body of a request for its handler.</summary>
    public static async Task<byte[]> BufferAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var bytes = body.ToArray();
        context.Items[BodyItem] = bytes;
        return bytes;
    }

    public static byte[] Body(HttpContext context) => (byte[])context.Items[BodyItem]!;

    /// <summary>The body as an object that has no other members than these. Protocol sheet §1.2: a POST must say that it is JSON.</summary>
    public static JsonObject Json(HttpContext context, params ReadOnlySpan<string> members)
    {
        if (HttpMethods.IsPost(context.Request.Method) && context.Request.ContentType?.Split(';')[0].Trim() != "application/json")
        {
            throw new UnlistedRequestException($"the content type is '{context.Request.ContentType}'");
        }

        var json = Body(context).Length == 0 ? [] : JsonNode.Parse(Body(context)) as JsonObject ?? throw new UnlistedRequestException("the body is not an object");
        Only(json, members);
        return json;
    }

    public static void Only(JsonObject json, params ReadOnlySpan<string> members)
    {
        foreach (var (name, _) in json)
        {
            if (!members.Contains(name))
            {
                throw new UnlistedRequestException($"the member '{name}' is not listed");
            }
        }
    }

    /// <summary>Refuses any query but these names.</summary>
    public static void Query(HttpContext context, params ReadOnlySpan<string> names)
    {
        foreach (var name in context.Request.Query.Keys)
        {
            if (!names.Contains(name))
            {
                throw new UnlistedRequestException($"the query '{name}' is not listed");
            }
        }
    }

    public static string Route(HttpContext context, string name) => Uri.UnescapeDataString((string)context.Request.RouteValues[name]!);

    public static string? Text(JsonNode? node, string name) => node is JsonObject json && json[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
}
