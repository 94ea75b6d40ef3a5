using System.Globalization;
using System.Text.Json;
using MLflow.Server.Rest;

namespace MLflow.Server.Gateway;

/// <summary>Answers of the gateway's own: errors as OpenAI writes them, or, on MLflow's routes, as MLflow does.</summary>
internal static class GatewayAnswers
{
    public static Task WriteAsync(HttpContext context, GatewayRefusal refusal)
    {
        var trace = context.Response.Headers[GatewayTransformer.TraceHeader];
        context.Response.Clear();
        context.Response.Headers[GatewayTransformer.TraceHeader] = trace;
        if (refusal.RetryAfter is { } wait)
        {
            context.Response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        }

        return IsOpenAI(context.Request.Path)
            ? OfOpenAI(refusal).ExecuteAsync(context)
            : ErrorAnswers.Answer(Code(refusal.Status), refusal.Message, refusal.Status).ExecuteAsync(context);
    }

    /// <summary>Whether OpenAI's clients ask there, which read errors in OpenAI's form only.</summary>
    public static bool IsOpenAI(PathString path) => path.StartsWithSegments("/gateway/openai") || path.StartsWithSegments("/gateway/mlflow");

    /// <summary>An error as OpenAI writes it.</summary>
    public static JsonAnswer OfOpenAI(GatewayRefusal refusal) => new(writer => Write(writer, refusal), refusal.Status);

    private static void Write(Utf8JsonWriter writer, GatewayRefusal refusal)
    {
        writer.WriteStartObject("error");
        writer.WriteString("message", refusal.Message);
        writer.WriteString("type", refusal.Type);
        writer.WriteNull("param");
        writer.WriteString("code", refusal.Code);
        writer.WriteEndObject();
    }

    private static ErrorCode Code(int status) => status switch
    {
        StatusCodes.Status400BadRequest => ErrorCode.INVALID_PARAMETER_VALUE,
        StatusCodes.Status403Forbidden => ErrorCode.PERMISSION_DENIED,
        StatusCodes.Status404NotFound => ErrorCode.RESOURCE_DOES_NOT_EXIST,
        StatusCodes.Status429TooManyRequests => ErrorCode.REQUEST_LIMIT_EXCEEDED,
        StatusCodes.Status502BadGateway or StatusCodes.Status503ServiceUnavailable or StatusCodes.Status504GatewayTimeout => ErrorCode.TEMPORARILY_UNAVAILABLE,
        _ => ErrorCode.INTERNAL_ERROR,
    };
}
