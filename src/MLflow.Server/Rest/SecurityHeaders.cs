namespace MLflow.Server.Rest;

/// <summary>
/// Headers of every answer. What is no page of ours may not be shown as one: its policy allows nothing and puts it into a sandbox, so that even a
/// file of somebody else that a browser would show is without script and without our origin.
/// </summary>
internal sealed class SecurityHeaders
{
    public const string NothingAllowed = "default-src 'none'; frame-ancestors 'none'; sandbox";

    private readonly RequestDelegate _next;
    private readonly FrameOptions _frames;

    public SecurityHeaders(RequestDelegate next, FrameOptions frames)
    {
        _next = next;
        _frames = frames;
    }

    public Task InvokeAsync(HttpContext context)
    {
        // At the last moment: an answer that failed has been cleared, with all its headers.
        context.Response.OnStarting(() =>
        {
            var headers = context.Response.Headers;
            headers.XContentTypeOptions = "nosniff";
            if (_frames.Header is { } frames)
            {
                headers.XFrameOptions = frames;
            }

            if (headers.ContentSecurityPolicy.Count == 0)
            {
                headers.ContentSecurityPolicy = NothingAllowed;
            }

            headers["Referrer-Policy"] = "same-origin";
            headers["Cross-Origin-Resource-Policy"] = "same-origin";
            headers["Cross-Origin-Opener-Policy"] = "same-origin";
            return Task.CompletedTask;
        });
        return _next(context);
    }
}
