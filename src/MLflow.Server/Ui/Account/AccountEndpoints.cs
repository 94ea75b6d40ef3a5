using System.Globalization;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using MLflow.Server.Access;
using MLflow.Server.Access.Http;
using MLflow.Server.Storage;
using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.Account;

/// <summary>Pages to sign in and out, and one's own tokens: plain forms, which need no script and no circuit.</summary>
internal static class AccountEndpoints
{
    private const long MaxFormBytes = 64 * 1024;

    private static string OldForm => T("The form was too old, or not from this page. Please send it again.");

    public static void MapAccount(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/login", ShowLogin).RequireAccess(AccessPolicies.Open);
        routes.MapPost("/login", LoginAsync).RequireAccess(AccessPolicies.Open);
        routes.MapGet("/login/provider", AskProvider).RequireAccess(AccessPolicies.Open);
        routes.MapGet("/setup", ShowSetup).RequireAccess(AccessPolicies.Open);
        routes.MapPost("/setup", SetupAsync).RequireAccess(AccessPolicies.Open);
        routes.MapPost("/logout", LogoutAsync).RequireAccess(AccessPolicies.Any);
        routes.MapGet("/account", ShowAccountAsync).RequireAccess(AccessPolicies.Full);
        routes.MapPost("/account/tokens", CreateTokenAsync).RequireAccess(AccessPolicies.Full);
        routes.MapPost("/account/tokens/revoke", RevokeTokenAsync).RequireAccess(AccessPolicies.Full);
    }

    private static RazorComponentResult<LoginPage> ShowLogin(HttpContext context) => Login(
        context,
        StatusCodes.Status200OK,
        context.Request.Query["return"].ToString(),
        error: context.Request.Query.ContainsKey(ProviderSignIn.FailedQuery) ? T("Signing in failed. Try again, or ask an administrator: the server's log says why.") : null);

    private static IResult AskProvider(HttpContext context, MlflowServerOptions options) => options.OpenIdConnect is null
        ? Results.NotFound()
        : Results.Challenge(new AuthenticationProperties { RedirectUri = Local(context, context.Request.Query["return"].ToString()) }, [ProviderSignIn.Scheme]);

    private static async Task<IResult> LoginAsync(HttpContext context, PasswordCheck passwords, AuditLog audit)
    {
        var (form, isOurs) = await ReadAsync(context).ConfigureAwait(false);
        var (name, address) = (form["name"].ToString(), form["return"].ToString());
        if (!isOurs)
        {
            return Login(context, StatusCodes.Status400BadRequest, address, name, OldForm);
        }

        var finding = await passwords.FindAsync(name, form["password"].ToString(), context.Connection.RemoteIpAddress, context.RequestAborted).ConfigureAwait(false);
        if (finding.Wait is { } wait)
        {
            var seconds = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
            context.Response.Headers.RetryAfter = seconds;
            return Login(context, StatusCodes.Status429TooManyRequests, address, name, T("Too many wrong passwords. Try again in {0} seconds.", seconds));
        }

        if (finding.User is not { } user)
        {
            if (finding.IsNew)
            {
                await audit.WriteAsync(context.Actor(name), AuditAction.Login, "page", AuditResult.Failed).ConfigureAwait(false);
            }

            return Login(context, StatusCodes.Status401Unauthorized, address, name, T("The user name or the password is wrong."));
        }

        await audit.WriteAsync(context.Actor(user.Name), AuditAction.Login, "page", AuditResult.Done).ConfigureAwait(false);
        return await SignInAsync(context, user, address).ConfigureAwait(false);
    }

    private static RazorComponentResult<SetupPage> ShowSetup(HttpContext context, FirstUserSetup setup, IAccessStore store) => Setup(context, setup, store, context.Request.Query["token"].ToString());

    private static async Task<IResult> SetupAsync(HttpContext context, FirstUserSetup setup, IAccessStore store, AccessAdministration administration, CancellationToken cancellationToken)
    {
        var (form, isOurs) = await ReadAsync(context).ConfigureAwait(false);
        var (token, name) = (form["token"].ToString(), form["name"].ToString());
        if (!isOurs || !setup.IsRight(token))
        {
            return Setup(context, setup, store, token, name, OldForm);
        }

        try
        {
            var user = await administration.CreateUserAsync(context.Actor("setup"), name, form["password"].ToString(), true, Permission.Manage, true, cancellationToken).ConfigureAwait(false);
            return await SignInAsync(context, user, "").ConfigureAwait(false);
        }
        catch (MlflowException e)
        {
            return Setup(context, setup, store, token, name, e.Message);
        }
    }

    private static async Task<IResult> LogoutAsync(HttpContext context, CurrentCaller caller, AuditLog audit)
    {
        if ((await ReadAsync(context).ConfigureAwait(false)).IsOurs)
        {
            await audit.WriteAsync(await caller.ActorAsync().ConfigureAwait(false), AuditAction.Logout, null, AuditResult.Done).ConfigureAwait(false);
            await context.SignOutAsync(CookieAuthenticationDefaults.AuthenticationScheme).ConfigureAwait(false);
        }

        return Results.LocalRedirect(context.Request.PathBase + "/login");
    }

    private static Task<IResult> ShowAccountAsync(HttpContext context, CurrentCaller caller) => AccountAsync(context, caller, StatusCodes.Status200OK);

    private static async Task<IResult> CreateTokenAsync(HttpContext context, CurrentCaller caller, AccessAdministration administration, CancellationToken cancellationToken)
    {
        var (form, isOurs) = await ReadAsync(context).ConfigureAwait(false);
        if (!isOurs)
        {
            return await AccountAsync(context, caller, StatusCodes.Status400BadRequest, error: OldForm).ConfigureAwait(false);
        }

        if ((await caller.GetAsync().ConfigureAwait(false)) is not { User: { } user, HasAllExperiments: true })
        {
            return await AccountAsync(context, caller, StatusCodes.Status403Forbidden, error: T("Sign in with your password to make tokens here.")).ConfigureAwait(false);
        }

        var days = form["days"].ToString();
        var life = double.TryParse(days, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? TimeSpan.FromDays(Math.Clamp(number, -1e6, 1e6)) : (TimeSpan?)null;
        try
        {
            if ((life is null && days.Length > 0) || !Enum.TryParse<TokenScope>(form["scope"].ToString(), ignoreCase: true, out var scope) || !Enum.IsDefined(scope))
            {
                throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, T("Choose what the token may, and for how many days it is valid."));
            }

            var (_, secret) = await administration.CreateTokenAsync(context.Actor(user.Name), user, form["name"].ToString(), scope, null, life, cancellationToken).ConfigureAwait(false);
            return await AccountAsync(context, caller, StatusCodes.Status200OK, secret.Text).ConfigureAwait(false);
        }
        catch (MlflowException e)
        {
            return await AccountAsync(context, caller, StatusCodes.Status400BadRequest, error: e.Message).ConfigureAwait(false);
        }
    }

    private static async Task<IResult> RevokeTokenAsync(HttpContext context, CurrentCaller current, IAccessStore store, AccessAdministration administration, CancellationToken cancellationToken)
    {
        var (form, isOurs) = await ReadAsync(context).ConfigureAwait(false);
        var id = form["token"].ToString();
        var user = (await current.GetAsync().ConfigureAwait(false)).User;
        if (isOurs && user is not null && store.FindToken(id)?.UserId == user.UserId)
        {
            await administration.RevokeTokenAsync(context.Actor(user.Name), id, cancellationToken).ConfigureAwait(false);
        }

        return Results.LocalRedirect(context.Request.PathBase + "/account");
    }

    private static async Task<IResult> SignInAsync(HttpContext context, User user, string address)
    {
        await context.SignInAsync(CookieAuthenticationDefaults.AuthenticationScheme, Credential.Of(Credential.Session, user)).ConfigureAwait(false);
        return Results.LocalRedirect(Local(context, address));
    }

    // Only to our own pages: a link to the login page could lead to another's afterwards.
    private static string Local(HttpContext context, string address) => RedirectHttpResult.IsLocalUrl(address) && address[0] == '/' ? address : context.Request.PathBase + "/";

    private static RazorComponentResult<LoginPage> Login(HttpContext context, int status, string address, string? name = null, string? error = null) => Page<LoginPage>(context, status, new()
    {
        [nameof(LoginPage.Return)] = Local(context, address),
        [nameof(LoginPage.Name)] = name,
        [nameof(LoginPage.Error)] = error,
        [nameof(LoginPage.Provider)] = context.RequestServices.GetRequiredService<MlflowServerOptions>().OpenIdConnect is { } provider ? provider.Name ?? new Uri(provider.Issuer).Host : null,
    });

    private static RazorComponentResult<SetupPage> Setup(HttpContext context, FirstUserSetup setup, IAccessStore store, string token, string? name = null, string? error = null)
    {
        var isValid = setup.IsRight(token) && !store.HasUsers();
        return Page<SetupPage>(context, !isValid ? StatusCodes.Status404NotFound : error is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest, new()
        {
            [nameof(SetupPage.SetupToken)] = isValid ? token : null,
            [nameof(SetupPage.Name)] = name,
            [nameof(SetupPage.Error)] = error,
        });
    }

    private static async Task<IResult> AccountAsync(HttpContext context, CurrentCaller caller, int status, string? secret = null, string? error = null)
    {
        if ((await caller.GetAsync().ConfigureAwait(false)).User is not { } user)
        {
            return Results.LocalRedirect(context.Request.PathBase + "/");
        }

        var services = context.RequestServices;
        return Page<AccountPage>(context, status, new()
        {
            [nameof(AccountPage.User)] = user,
            [nameof(AccountPage.Tokens)] = services.GetRequiredService<IAccessStore>().ListTokens(user.UserId),
            [nameof(AccountPage.NowMs)] = services.GetRequiredService<TimeProvider>().GetUtcNow().ToUnixTimeMilliseconds(),
            [nameof(AccountPage.Secret)] = secret,
            [nameof(AccountPage.Error)] = error,
        });
    }

    private static async Task<(IFormCollection Form, bool IsOurs)> ReadAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = MaxFormBytes;
        }

        if (!context.Request.HasFormContentType)
        {
            return (FormCollection.Empty, false);
        }

        var form = await context.Request.ReadFormAsync(context.RequestAborted).ConfigureAwait(false);
        return (form, await context.RequestServices.GetRequiredService<IAntiforgery>().IsRequestValidAsync(context).ConfigureAwait(false));
    }

    private static RazorComponentResult<T> Page<T>(HttpContext context, int status, Dictionary<string, object?> parameters)
        where T : IComponent
    {
        var headers = context.Response.Headers;
        PageHeaders.Set(context);
        headers["Referrer-Policy"] = "same-origin";

        // This says, too, that nobody may keep the page.
        parameters["FormToken"] = context.RequestServices.GetRequiredService<IAntiforgery>().GetAndStoreTokens(context).RequestToken;
        parameters["PathBase"] = context.Request.PathBase.Value ?? "";
        return new RazorComponentResult<T>(parameters) { StatusCode = status, PreventStreamingRendering = true };
    }
}
