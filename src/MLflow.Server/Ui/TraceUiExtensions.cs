namespace MLflow.Server.Ui;

/// <summary>Puts the web UI into the server.</summary>
internal static class TraceUiExtensions
{
    public static IServiceCollection AddTraceUi(this IServiceCollection services) => services;

    public static void MapTraceUi(this WebApplication app)
    {
    }
}
