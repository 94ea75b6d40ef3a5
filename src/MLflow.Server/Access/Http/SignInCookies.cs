using Microsoft.AspNetCore.Authentication.Cookies;

namespace MLflow.Server.Access.Http;

/// <summary>
/// Cookies, but for those that are sent to where somebody signs in: the library would put the new user into the session that the cookie names, and whoever had planted
/// it there before would have that session, too (session fixation).
/// </summary>
internal sealed class SignInCookies : ICookieManager
{
    private static readonly PathString[] SignIns = ["/login", "/setup", OpenIdConnectPath];

    private readonly ChunkingCookieManager _cookies = new();

    /// <summary>Where an identity provider sends browsers back to.</summary>
    public const string OpenIdConnectPath = "/signin-oidc";

    public string? GetRequestCookie(HttpContext context, string key) =>
        SignIns.Any(path => context.Request.Path.Equals(path, StringComparison.OrdinalIgnoreCase)) ? null : _cookies.GetRequestCookie(context, key);

    public void AppendResponseCookie(HttpContext context, string key, string? value, CookieOptions options) => _cookies.AppendResponseCookie(context, key, value, options);

    public void DeleteCookie(HttpContext context, string key, CookieOptions options) => _cookies.DeleteCookie(context, key, options);
}
