using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;
using MLflow.Server.Access.Http;
using MLflow.Server.Ui.Formatting;

namespace MLflow.Server.Ui.Languages;

/// <summary>
/// The language of a reader: what they chose, else what their browser asks for. It is set for the flow of a request, and so for the circuit whose
/// connection the request opens.
/// </summary>
internal static class ReaderLanguage
{
    public const string Cookie = "mlflow.language";

    private static readonly TimeSpan Kept = TimeSpan.FromDays(365);

    public static void MapLanguages(this IEndpointRouteBuilder routes) => routes.MapGet("/language/{to}", Choose).RequireAccess(AccessPolicies.Open);

    /// <summary>Asynchronous, so that the language ends with the request and not with the connection.</summary>
    public static async Task SetAsync(HttpContext context, RequestDelegate next)
    {
        // Programs say neither, and are not kept.
        if (context.Request.Headers.AcceptLanguage.Count > 0 || context.Request.Cookies.ContainsKey(Cookie))
        {
            Words.PageLanguage = Of(context.Request);
        }

        await next(context).ConfigureAwait(false);
    }

    public static string Of(HttpRequest request) =>
        request.Cookies[Cookie] is Words.English or Words.Japanese ? request.Cookies[Cookie]! : Preferred(request.GetTypedHeaders().AcceptLanguage);

    private static string Preferred(IList<StringWithQualityHeaderValue> asked) => asked
        .Where(language => language.Quality is null or > 0)
        .OrderByDescending(language => language.Quality ?? 1)
        .Select(language => Primary(language.Value.ToString()))
        .FirstOrDefault(language => language is Words.English or Words.Japanese) ?? Words.English;

    private static string Primary(string tag) => tag.Split('-')[0].ToLowerInvariant();

    // A link, so that it works without a script. What another site can do with it is to change the language of our pages.
    private static IResult Choose(HttpContext context, string to)
    {
        if (to is not (Words.English or Words.Japanese))
        {
            return Results.NotFound();
        }

        context.Response.Cookies.Append(Cookie, to, new CookieOptions
        {
            HttpOnly = true,
            IsEssential = true,
            MaxAge = Kept,
            Path = context.Request.PathBase.HasValue ? context.Request.PathBase.Value : "/",
            SameSite = Microsoft.AspNetCore.Http.SameSiteMode.Lax,
            Secure = context.Request.IsHttps,
        });
        var back = context.Request.Query["return"].ToString();
        return Results.LocalRedirect(RedirectHttpResult.IsLocalUrl(back) && back[0] == '/' ? back : context.Request.PathBase + "/");
    }
}
