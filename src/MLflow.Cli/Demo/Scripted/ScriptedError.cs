using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>An error in OpenAI's shape: <c>{"error":{"message":…,"type":…,"param":…,"code":…}}</c>.</summary>
internal sealed record ScriptedError(int Status, string Message, string Type, string? Param, string? Code)
{
    // Unlike OpenAI's, the message does not repeat parts of the key.
    public static ScriptedError InvalidApiKey { get; } = new(
        StatusCodes.Status401Unauthorized, "Incorrect API key provided.", "invalid_request_error", null, "invalid_api_key");

    public static ScriptedError ModelNotFound(string model) => new(
        StatusCodes.Status404NotFound, $"The model `{model}` does not exist or you do not have access to it.", "invalid_request_error", null, "model_not_found");

    public static ScriptedError RateLimited(string model) => new(
        StatusCodes.Status429TooManyRequests, $"Rate limit reached for {model} on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 1s.", "requests", null, "rate_limit_exceeded");

    public static ScriptedError UnknownUrl(string method, string path) => new(
        StatusCodes.Status404NotFound, $"Invalid URL ({method} {path})", "invalid_request_error", null, null);

    public static ScriptedError AboveMaximum(string param, double value, double maximum) => new(
        StatusCodes.Status400BadRequest,
        string.Create(CultureInfo.InvariantCulture, $"Invalid '{param}': decimal above maximum value. Expected a value <= {maximum}, but got {value} instead."),
        "invalid_request_error",
        param,
        "decimal_above_max_value");

    public static ScriptedError BadRequest(string message, string? param = null) => new(
        StatusCodes.Status400BadRequest, message, "invalid_request_error", param, null);

    public async Task WriteAsync(HttpResponse response)
    {
        response.StatusCode = Status;
        response.ContentType = "application/json";
        response.Headers["x-request-id"] = ScriptedId.Request();
        var body = new JsonObject
        {
            ["error"] = new JsonObject { ["message"] = Message, ["type"] = Type, ["param"] = Param, ["code"] = Code },
        };
        await response.Body.WriteAsync(ScriptedJson.ToUtf8(body), response.HttpContext.RequestAborted);
    }
}
