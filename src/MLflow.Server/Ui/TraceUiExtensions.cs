using MLflow.Server.Access.Http;
using MLflow.Server.Ui.GoTo;
using MLflow.Server.Ui.Languages;
using MLflow.Server.Ui.List;
using MLflow.Server.Ui.Share;

namespace MLflow.Server.Ui;

/// <summary>Puts the web UI into the server.</summary>
internal static class TraceUiExtensions
{
    /// <summary>A field of <see cref="Playground.PlaygroundMessage.MostText"/> characters that a reader has changed, of up to four bytes each.</summary>
    private const int MaxMessageBytes = 448 * 1024;

    public static IServiceCollection AddTraceUi(this IServiceCollection services)
    {
        services.AddRazorComponents().AddInteractiveServerComponents().AddHubOptions(hub => hub.MaximumReceiveMessageSize = MaxMessageBytes);

        // The header is ours to set (SecurityHeaders).
        services.AddAntiforgery(options => options.SuppressXFrameOptionsHeader = true);
        services.AddCascadingAuthenticationState();
        return services.AddScoped<SharedMedia>().AddSingleton<UiAssets>().AddSingleton<Handover>();
    }

    public static void MapTraceUi(this WebApplication app)
    {
        app.Use(ReaderLanguage.SetAsync);
        app.Use(UnknownAddress.AnswerAsync);
        app.Use(PageHeaders.SetAsync);
        app.MapLanguages();
        app.MapShare();
        app.UseAntiforgery();
        app.MapMethods("/assets/{name}", [HttpMethods.Get, HttpMethods.Head], (HttpContext context, string name, UiAssets assets) => assets.ServeAsync(context, name)).RequireAccess(AccessPolicies.Open);
        app.MapExport();
        app.MapPlaces();

        // The policy above has frame-ancestors too; two headers of one name would both apply.
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode(options => options.ContentSecurityFrameAncestorsPolicy = null).RequireAccess(AccessPolicies.Read);
    }
}
