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

    public static ScriptedError ContextTooLong { get; } = new(
        StatusCodes.Status400BadRequest, "Your input exceeds the context window of this model. Please adjust your input and try again.", "invalid_request_error", "input", "context_length_exceeded");

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

    public static ScriptedError ResponseNotFound(string id) => new(
        StatusCodes.Status400BadRequest, $"Previous response with id '{id}' not found.", "invalid_request_error", "previous_response_id", "previous_response_not_found");

    public static ScriptedError Missing(string param) => new(
        StatusCodes.Status400BadRequest, $"Missing required parameter: '{param}'.", "invalid_request_error", param, "missing_required_parameter");

    /// <summary>A value that OpenAI does not know, or that it knows and this endpoint does not: the message names those that can be had here.</summary>
    public static ScriptedError UnsupportedValue(string param, string value, params IEnumerable<string> supported) => new(
        StatusCodes.Status400BadRequest,
        $"Invalid value: '{value}'. The scripted endpoint supports: {string.Join(", ", supported.Select(each => $"'{each}'"))}.",
        "invalid_request_error",
        param,
        "unsupported_value");

    public static ScriptedError UnknownParameter(string param) => new(
        StatusCodes.Status400BadRequest, $"Unknown parameter: '{param}'.", "invalid_request_error", param, "unknown_parameter");

    public static ScriptedError BadRequest(string message, string? param = null) => new(
        StatusCodes.Status400BadRequest, message, "invalid_request_error", param, null);

    public ScriptedErrorException ToException() => new(this);

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
