using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.Options;
using MLflow.Server.Access.Guards;
using MLflow.Server.Hosting;
using MLflow.Server.Storage;

namespace MLflow.Server.Access.Http;

/// <summary>Puts authentication and authorisation into the server.</summary>
internal static class AccessExtensions
{
    /// <summary>Finds out by the request which of the others is meant.</summary>
    public const string Scheme = "MLflow";

    public static IServiceCollection AddAccess(this IServiceCollection services, ServerSettings settings, IAccessStore store, UnguardedStores stores)
    {
        services
            .AddSingleton(store)
            .AddSingleton(stores)
            .AddSingleton(provider => new AccessDirectory(store, settings.AccessMode, provider.GetRequiredService<TimeProvider>()))
            .AddSingleton<AuditLog>()
            .AddSingleton<AccessAdministration>()
            .AddSingleton<PasswordCheck>()
            .AddSingleton<TokenFailures>()
            .AddSingleton<RefusedAccess>()
            .AddSingleton(provider => new FirstUserSetup(settings.AccessMode == AccessMode.Always && !store.HasUsers()))
            .AddSingleton<SessionTickets>()
            .AddSingleton(new KeyPassphrase(settings.KeyPassphrase))
            .AddScoped<CurrentCaller>()
            .AddScoped<ArtifactGuard>()
            .AddScoped<ITraceStore, GuardedTraceStore>()
            .AddScoped<ITraceAnalysis, GuardedTraceAnalysis>()
            .AddScoped<IExperimentStore, GuardedExperimentStore>()
            .AddScoped<IRunStore, GuardedRunStore>()
            .AddScoped<IAssessmentStore, GuardedAssessmentStore>()
            .AddScoped<IViewStore, GuardedViewStore>();

        services.AddDataProtection().SetApplicationName("mlflow");
        services.AddSingleton<IConfigureOptions<KeyManagementOptions>>(provider => new ConfigureOptions<KeyManagementOptions>(keys =>
        {
            keys.XmlRepository = new StoredKeys(store);
            keys.XmlEncryptor = provider.GetRequiredService<KeyPassphrase>() is { IsGiven: true } passphrase ? new KeyEncryptor(passphrase) : null;
        }));

        var authentication = services.AddAuthentication(Scheme)
            .AddPolicyScheme(Scheme, null, options => options.ForwardDefaultSelector = Choose)
            .AddScheme<Microsoft.AspNetCore.Authentication.AuthenticationSchemeOptions, OpenAuthentication>(OpenAuthentication.Name, null)
            .AddScheme<Microsoft.AspNetCore.Authentication.AuthenticationSchemeOptions, HeaderAuthentication>(HeaderAuthentication.Name, null)
            .AddCookie(options =>
            {
                options.Cookie.Name = "mlflow.session";
                options.Cookie.SameSite = SameSiteMode.Lax;
                options.Cookie.HttpOnly = true;
                options.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
                options.ExpireTimeSpan = SessionTickets.Life;
                options.SlidingExpiration = false;
                options.CookieManager = new SignInCookies();
                options.LoginPath = "/login";
                options.ReturnUrlParameter = "return";
            });
        if (settings.OpenIdConnect is { } provider)
        {
            ProviderSignIn.Add(authentication, provider);
        }

        services.AddOptions<CookieAuthenticationOptions>(CookieAuthenticationDefaults.AuthenticationScheme).Configure<SessionTickets>((options, tickets) => options.SessionStore = tickets);
        services.AddAuthorization(AccessPolicies.Add);
        services.AddSingleton<IAuthorizationHandler, CallerRequirementHandler>();
        services.AddSingleton<IAuthorizationMiddlewareResultHandler, AccessAnswers>();
        return services;
    }

    public static void UseAccess(this WebApplication app)
    {
        app.UseAuthentication();
        app.Use((context, next) =>
        {
            context.RequestServices.GetRequiredService<CurrentCaller>().Set(context.User, context.Connection.RemoteIpAddress?.ToString());
            return next(context);
        });
        app.UseAuthorization();
    }

    /// <summary>Who does something by a request, for the audit log.</summary>
    public static Actor Actor(this HttpContext context, string? name) => new(name, context.Connection.RemoteIpAddress?.ToString());

    private static string Choose(HttpContext context) =>
        context.RequestServices.GetRequiredService<AccessDirectory>().IsOpen ? OpenAuthentication.Name
        : context.Request.Headers.Authorization.Count > 0 || IsFromElsewhere(context.Request) ? HeaderAuthentication.Name
        : CookieAuthenticationDefaults.AuthenticationScheme;

    // The cookie stands for a person at our own pages alone: pages of other ports of this machine, to which browsers send it, may neither change something by it
    // nor open a WebSocket.
    private static bool IsFromElsewhere(HttpRequest request)
    {
        var origin = request.Headers.Origin.ToString();
        return origin.Length > 0 && (request.Headers.Upgrade.Count > 0 || !(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)))
            && !(Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase));
    }
}
