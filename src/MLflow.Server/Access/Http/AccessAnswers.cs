using System.Globalization;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using MLflow.Server.Gateway;
using MLflow.Server.Otlp;
using MLflow.Server.Rest;

namespace MLflow.Server.Access.Http;

/// <summary>Answers requests that are refused, in the language of whoever asked: MLflow's JSON, OTLP's status, gRPC's, or the way to the login page.</summary>
internal sealed class AccessAnswers : IAuthorizationMiddlewareResultHandler
{
    private const string SignIn =
        "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN; for OTLP exporters the header 'Authorization: Bearer …'.";

    private readonly AccessDirectory _directory;
    private readonly RefusedAccess _refused;

    public AccessAnswers(AccessDirectory directory, RefusedAccess refused)
    {
        _directory = directory;
        _refused = refused;
    }

    public async Task HandleAsync(RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
    {
        if (authorizeResult.Succeeded)
        {
            await next(context).ConfigureAwait(false);
            return;
        }

        var caller = _directory.Find(context.User);
        await _refused.NoteAsync(context, caller).ConfigureAwait(false);
        if (caller is not null)
        {
            var asked = policy.Requirements.OfType<CallerRequirement>().FirstOrDefault()?.Name ?? AccessPolicies.Administrator;
            await AnswerAsync(context, StatusCodes.Status403Forbidden, ErrorCode.PERMISSION_DENIED, Forbidden(asked)).ConfigureAwait(false);
            return;
        }

        var refusal = context.Features.Get<Refusal>();
        if (refusal?.Wait is { } wait)
        {
            var seconds = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
            context.Response.Headers.RetryAfter = seconds;
            await AnswerAsync(context, StatusCodes.Status429TooManyRequests, ErrorCode.REQUEST_LIMIT_EXCEEDED, $"{refusal.Message} Wait for {seconds} seconds.").ConfigureAwait(false);
        }
        else if (refusal is null && IsPage(context.Request))
        {
            await context.ChallengeAsync(CookieAuthenticationDefaults.AuthenticationScheme).ConfigureAwait(false);
        }
        else
        {
            context.Response.Headers.WWWAuthenticate = "Basic realm=\"mlflow\", charset=\"UTF-8\", Bearer realm=\"mlflow\"";
            await AnswerAsync(
                context, StatusCodes.Status401Unauthorized, ErrorCode.UNAUTHENTICATED, $"You are not authenticated. {refusal?.Message ?? "The request has no credentials."} Clients: {SignIn}").ConfigureAwait(false);
        }
    }

    private static string Forbidden(string policy) => policy switch
    {
        AccessPolicies.Administrator => "Permission denied: this is for administrators, and not for tokens of a smaller scope than admin or for some experiments only.",
        AccessPolicies.Full => "Permission denied: this needs a password, or a token of the scope admin.",
        _ => $"Permission denied: this needs a token of the scope {policy}, or one that includes it.",
    };

    // A page in a browser, not what runs in it, and not a program that reads figures.
    private static bool IsPage(HttpRequest request) =>
        request.Headers.Accept.Any(accept => accept?.Contains("text/html", StringComparison.OrdinalIgnoreCase) == true)
        && (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)) && !ApiRoutes.IsApi(request.Path) && !request.Path.StartsWithSegments("/_blazor") && !IsGrpc(request);

    private static bool IsGrpc(HttpRequest request) => request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) == true;

    private static Task AnswerAsync(HttpContext context, int status, ErrorCode code, string message)
    {
        var request = context.Request;
        var otlp = new OtlpStatus(status, $"{code}: {message}");
        if (IsGrpc(request))
        {
            // An answer of trailers alone, https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses
            context.Response.ContentType = "application/grpc";
            context.Response.Headers["grpc-status"] = ((int)otlp.Grpc).ToString(CultureInfo.InvariantCulture);
            context.Response.Headers["grpc-message"] = Uri.EscapeDataString(otlp.Message);
            return Task.CompletedTask;
        }

        if (request.Path.StartsWithSegments("/v1"))
        {
            var isProtobuf = request.ContentType?.StartsWith(OtlpEndpoints.ProtobufType, StringComparison.OrdinalIgnoreCase) == true;
            return new Otlp.OtlpAnswer(otlp, isProtobuf ? OtlpFormat.Protobuf : OtlpFormat.Json).ExecuteAsync(context);
        }

        return GatewayAnswers.IsOpenAI(request.Path)
            ? GatewayAnswers.OfOpenAI(new GatewayRefusal(status, "authentication_error", code.ToString(), message)).ExecuteAsync(context)
            : ErrorAnswers.Answer(code, message, status).ExecuteAsync(context);
    }
}
