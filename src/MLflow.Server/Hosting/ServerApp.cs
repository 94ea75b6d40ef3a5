using Microsoft.AspNetCore.Server.Kestrel.Core;
using MLflow.Server.Artifacts;
using MLflow.Server.Otlp;
using MLflow.Server.Pricing;
using MLflow.Server.Rest;
using MLflow.Server.Storage;
using MLflow.Server.Storage.Sqlite;
using MLflow.Server.Ui;

namespace MLflow.Server.Hosting;

/// <summary>Puts the server together. It reads no configuration of the program around it: no appsettings, no ASPNETCORE variables.</summary>
internal static class ServerApp
{
    /// <summary>For requests under way when the server stops.</summary>
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(10);

    public static WebApplication Build(MlflowServerOptions options, ServerSettings settings, SqliteDatabase database)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions
        {
            ApplicationName = typeof(ServerApp).Assembly.GetName().Name,
            ContentRootPath = AppContext.BaseDirectory,
        });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Listen(kestrel, settings));

        // A start that fails is told by the exception, in one sentence instead of a stack. A hosted service logs its own failures, under its own name.
        builder.Logging.SetMinimumLevel(LogLevel.Warning).AddFilter("Microsoft.Extensions.Hosting", LogLevel.None).AddSimpleConsole();
        builder.Services
            .AddSingleton<IHostLifetime, EmbeddedLifetime>()
            .Configure<HostOptions>(host => host.ShutdownTimeout = ShutdownTimeout)
            .AddRouting()
            .AddSingleton(options.TimeProvider)
            .AddSingleton(options)
            .AddSingleton<ITraceStore>(new SqliteTraceStore(database, new CallPricer(settings.Prices)))
            .AddSingleton<ITraceAnalysis>(new SqliteTraceAnalysis(database))
            .AddSingleton<IExperimentStore>(new SqliteExperimentStore(database))
            .AddSingleton<IRunStore>(new SqliteRunStore(database))
            .AddSingleton<IAssessmentStore>(new SqliteAssessmentStore(database))
            .AddSingleton(new ArtifactFolder(settings.ArtifactsPath))
            .AddSingleton<ArtifactUploads>()
            .AddTraceUi();

        var app = builder.Build();
        app.UseProxyHeaders(settings);
        app.UsePathBase(settings.PathBase);
        app.UseMiddleware<ErrorAnswers>();
        app.UseMiddleware<OriginGuard>();
        app.UseRouting();
        app.MapServer();
        app.MapOtlp();
        app.MapExperiments();
        app.MapTraces();
        app.MapTracesV2();
        app.MapTraceAnalysis();
        app.MapAssessments();
        app.MapRuns();
        app.MapTraceData();
        app.MapArtifacts();
        app.MapTraceUi();
        return app;
    }

    private static void Listen(KestrelServerOptions kestrel, ServerSettings settings)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = OtlpLimits.MaxBodyBytes;
        foreach (var address in settings.Addresses)
        {
            kestrel.Listen(address, settings.Port);
        }
    }
}
