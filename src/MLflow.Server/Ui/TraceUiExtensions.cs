using MLflow.Server.Access.Http;

namespace MLflow.Server.Ui;

/// <summary>Puts the web UI into the server.</summary>
internal static class TraceUiExtensions
{
    public static IServiceCollection AddTraceUi(this IServiceCollection services)
    {
        services.AddRazorComponents().AddInteractiveServerComponents();

        // The header is ours to set (SecurityHeaders).
        services.AddAntiforgery(options => options.SuppressXFrameOptionsHeader = true);
        services.AddCascadingAuthenticationState();
        return services.AddSingleton<UiAssets>().AddSingleton<Handover>();
    }

    public static void MapTraceUi(this WebApplication app)
    {
        app.Use(PageHeaders.SetAsync);
        app.UseAntiforgery();
        app.MapMethods("/assets/{name}", [HttpMethods.Get, HttpMethods.Head], (HttpContext context, string name, UiAssets assets) => assets.ServeAsync(context, name)).RequireAccess(AccessPolicies.Open);

        // The policy above has frame-ancestors too; two headers of one name would both apply.
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode(options => options.ContentSecurityFrameAncestorsPolicy = null).RequireAccess(AccessPolicies.Read);
    }
}
