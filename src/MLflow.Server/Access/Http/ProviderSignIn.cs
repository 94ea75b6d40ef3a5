using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using MLflow.Server.Storage;

namespace MLflow.Server.Access.Http;

/// <summary>
/// People who sign in at an identity provider. Whom it names is a user by issuer and subject, never by name or mail address: nobody becomes another's user by what they are called there.
/// </summary>
internal static partial class ProviderSignIn
{
    public const string Scheme = "Provider";

    /// <summary>Of the login page, after a failure.</summary>
    public const string FailedQuery = "failed";

    public static void Add(AuthenticationBuilder authentication, MlflowOpenIdConnectOptions settings) => authentication.AddOpenIdConnect(Scheme, options =>
    {
        options.Authority = settings.Issuer;
        options.RequireHttpsMetadata = !new Uri(settings.Issuer).IsLoopback;
        options.ClientId = settings.ClientId;
        options.ClientSecret = settings.ClientSecret;
        options.ResponseType = OpenIdConnectResponseType.Code;

        // The browser comes back by a link: a form of another origin is refused, and would need cookies that any site may send.
        options.ResponseMode = OpenIdConnectResponseMode.Query;
        options.CorrelationCookie.SameSite = options.NonceCookie.SameSite = SameSiteMode.Lax;
        options.CorrelationCookie.SecurePolicy = options.NonceCookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        options.UsePkce = true;
        options.CallbackPath = SignInCookies.OpenIdConnectPath;
        options.SignInScheme = CookieAuthenticationDefaults.AuthenticationScheme;
        options.MapInboundClaims = false;
        options.SaveTokens = false;
        options.Scope.Add("email");

        // Not what discovery says: a provider may not speak for another.
        options.TokenValidationParameters.ValidIssuer = settings.Issuer;

        // The library takes a token without signature where it comes straight from the provider.
        options.Events.OnTokenValidated = context =>
        {
            if (context.SecurityToken is not { RawSignature.Length: > 0 })
            {
                context.Fail("The token is not signed.");
            }

            return Task.CompletedTask;
        };

        // Not when the token is validated: its nonce is looked at after that.
        options.Events.OnTicketReceived = async context =>
        {
            try
            {
                var user = await FindAsync(context.HttpContext, settings, context.Principal!).ConfigureAwait(false);
                context.Principal = Credential.Of(Credential.Session, user);
                await context.HttpContext.RequestServices.GetRequiredService<AuditLog>()
                    .WriteAsync(context.HttpContext.Actor(user.Name), AuditAction.Login, settings.Issuer, AuditResult.Done).ConfigureAwait(false);
            }
            catch (Exception e) when (e is AuthenticationFailureException or MlflowException)
            {
                await FailAsync(context, settings, e.Message).ConfigureAwait(false);
            }
        };
        options.Events.OnRemoteFailure = context => FailAsync(context, settings, context.Failure?.Message);
    });

    private static async Task FailAsync(HandleRequestContext<RemoteAuthenticationOptions> context, MlflowOpenIdConnectOptions settings, string? reason)
    {
        var services = context.HttpContext.RequestServices;
        await services.GetRequiredService<AuditLog>().WriteAsync(context.HttpContext.Actor(null), AuditAction.Login, settings.Issuer, AuditResult.Failed).ConfigureAwait(false);
        LogFailed(services.GetRequiredService<ILogger<MlflowServer>>(), settings.Issuer, reason);
        context.HandleResponse();
        context.Response.Redirect($"{context.Request.PathBase}/login?{FailedQuery}=1");
    }

    private static async Task<User> FindAsync(HttpContext context, MlflowOpenIdConnectOptions settings, ClaimsPrincipal principal)
    {
        var store = context.RequestServices.GetRequiredService<IAccessStore>();
        var subject = principal.FindFirst("sub")?.Value is { Length: > 0 } value ? value : throw new AuthenticationFailureException("The token names no subject.");
        bool? isAdmin = settings.AdminClaim is { Length: > 0 } claim ? principal.FindAll(claim).Any(found => found.Value == settings.AdminValue) : null;
        if (store.FindUser(settings.Issuer, subject) is not { } user)
        {
            var created = new NewUser(FreeName(store, settings, principal, subject), null, isAdmin == true, PermissionNames.Parse(settings.DefaultPermission), settings.Issuer, subject);
            user = await store.CreateUserAsync(created, onlyFirst: false, context.RequestAborted).ConfigureAwait(false);
            await context.RequestServices.GetRequiredService<AuditLog>().WriteAsync(context.Actor(user.Name), AuditAction.CreateUser, $"{user.Name} ({settings.Issuer})", AuditResult.Done).ConfigureAwait(false);
        }
        else if (isAdmin is { } admin && admin != user.IsAdmin)
        {
            await context.RequestServices.GetRequiredService<AccessAdministration>().ChangeAdminAsync(context.Actor(settings.Issuer), user.Name, admin, context.RequestAborted).ConfigureAwait(false);
        }

        return user;
    }

    // The first of what they are called that can be a name here and is nobody's.
    private static string FreeName(IAccessStore store, MlflowOpenIdConnectOptions settings, ClaimsPrincipal principal, string subject)
    {
        foreach (var name in (string?[])[principal.FindFirst("preferred_username")?.Value, principal.FindFirst("email")?.Value, $"{subject}@{new Uri(settings.Issuer).Host}"])
        {
            if (name is not null && NewUser.IsName(name) && store.FindUser(name) is null)
            {
                return name;
            }
        }

        throw new AuthenticationFailureException($"The names of subject '{subject}' are taken by other users, or cannot be names here.");
    }

    [LoggerMessage(LogLevel.Warning, "Signing in at {Issuer} failed: {Reason}")]
    private static partial void LogFailed(ILogger logger, string issuer, string? reason);
}
