using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>Answers of the workspace's API, right and wrong.</summary>
internal static class ApiAnswers
{
    /// <summary>Fact sheet §1.6: <c>{"error_code", "message", "details"}</c>, and which status goes with which kind of error.</summary>
    public static async Task RefuseAsync(HttpContext context, int status, string errorCode, string message)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.BodyWriter.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(new { error_code = errorCode, message, details = Array.Empty<object>() }));
    }

    public static Task InvalidAsync(HttpContext context, string message) => RefuseAsync(context, 400, "INVALID_PARAMETER_VALUE", message);

    public static Task MissingAsync(HttpContext context, string message) => RefuseAsync(context, 404, "RESOURCE_DOES_NOT_EXIST", message);

    public static async Task OkAsync(HttpContext context, object answer)
    {
        context.Response.ContentType = "application/json";
        await context.Response.BodyWriter.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(answer));
    }
}
