using Microsoft.AspNetCore.Components.Endpoints;

namespace MLflow.Server.Ui;

/// <summary>Headers of our pages: nothing from elsewhere is loaded or run, and nobody else may frame them.</summary>
internal static class PageHeaders
{
    // style-src-attr: bars are placed by style attributes, and Blazor 10 sets some itself. Scripts are files of ours, without exception.
    public const string ContentSecurityPolicy =
        "default-src 'self'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
        + "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'";

    public static Task SetAsync(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<ComponentTypeMetadata>() is not null)
        {
            var headers = context.Response.Headers;
            headers.ContentSecurityPolicy = ContentSecurityPolicy;
            headers["Referrer-Policy"] = "same-origin";
        }

        return next(context);
    }
}
