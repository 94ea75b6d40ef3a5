using Microsoft.AspNetCore.Components.Endpoints;
using MLflow.Server.Rest;

namespace MLflow.Server.Ui;

/// <summary>The content security policy of our pages: nothing from elsewhere is loaded or run. All else has <see cref="SecurityHeaders.NothingAllowed"/>.</summary>
internal static class PageHeaders
{
    // style-src-attr: bars are placed by style attributes, and Blazor 10 sets some itself. Scripts are files of ours, without exception.
    private const string ContentSecurityPolicy =
        "default-src 'self'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; media-src 'self' data:; connect-src 'self'; "
        + "object-src 'none'; base-uri 'self'; form-action 'self'";

    public static Task SetAsync(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<ComponentTypeMetadata>() is not null)
        {
            Set(context);
        }

        return next(context);
    }

    public static void Set(HttpContext context) =>
        context.Response.Headers.ContentSecurityPolicy = ContentSecurityPolicy + context.RequestServices.GetRequiredService<FrameOptions>().Directive;
}
