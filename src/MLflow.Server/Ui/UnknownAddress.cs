using Microsoft.AspNetCore.Http.HttpResults;
using MLflow.Server.Rest;
using MLflow.Server.Ui.Formatting;
using MLflow.Server.Ui.Layout;

namespace MLflow.Server.Ui;

/// <summary>Tells a browser that an address is none: without a page of ours it would show one of its own, which leads nowhere.</summary>
internal static class UnknownAddress
{
    private const int MostShown = 300;

    public static async Task AnswerAsync(HttpContext context, RequestDelegate next)
    {
        await next(context).ConfigureAwait(false);
        var response = context.Response;
        if (response.StatusCode == StatusCodes.Status404NotFound && !response.HasStarted && response.ContentType is null && IsPage(context.Request))
        {
            PageHeaders.Set(context);
            response.Headers.CacheControl = "no-store";
            await new RazorComponentResult<UnknownPage>(new Dictionary<string, object?>
            {
                [nameof(UnknownPage.PathBase)] = context.Request.PathBase.Value ?? "",
                [nameof(UnknownPage.Address)] = PreviewText.Cut((context.Request.PathBase + context.Request.Path).Value!, MostShown),
            })
            { StatusCode = StatusCodes.Status404NotFound, PreventStreamingRendering = true }.ExecuteAsync(context).ConfigureAwait(false);
        }
    }

    private static bool IsPage(HttpRequest request) =>
        (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)) && !ApiRoutes.IsApi(request.Path)
        && request.Headers.Accept.Any(accept => accept?.Contains("text/html", StringComparison.OrdinalIgnoreCase) == true);
}
