using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using MLflow.Server.Access.Guards;
using MLflow.Server.Access.Http;
using MLflow.Server.Artifacts;
using MLflow.Server.Gateway;
using MLflow.Server.Mcp;
using MLflow.Server.Otlp;
using MLflow.Server.Pricing;
using MLflow.Server.Rest;
using MLflow.Server.Retention;
using MLflow.Server.Secrets;
using MLflow.Server.Storage;
using MLflow.Server.Telemetry;
using MLflow.Server.Ui;
using MLflow.Server.Ui.Account;

namespace MLflow.Server.Hosting;

/// <summary>Puts the server together. It reads no configuration of the program around it: no appsettings, no ASPNETCORE variables.</summary>
internal static partial class ServerApp
{
    private static readonly TimeSpan HstsAge = TimeSpan.FromDays(365);

    /// <summary>How long a client may be slower than it must.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    public static WebApplication Build(
        MlflowServerOptions options, ServerSettings settings, IDatabase database, SpanBlobs blobs, OtlpExperiments experiments, KeyRing secretKeys, GrpcSockets grpc, ServerMeter meter)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions
        {
            ApplicationName = typeof(ServerApp).Assembly.GetName().Name,
            ContentRootPath = AppContext.BaseDirectory,
        });
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().UseSockets(sockets => sockets.CreateBoundListenSocket = grpc.Take).ConfigureKestrel(kestrel => Listen(kestrel, settings, options.Limits, grpc));

        builder.Logging.AddServerLogging(options, settings);
        var isLoop = settings.TelemetryEndpoint is { } endpoint && OwnTelemetry.IsOwn(endpoint, settings, grpc);
        builder.Services.AddOwnTelemetry(options, isLoop ? null : settings.TelemetryEndpoint, meter);

        // DataProtection warns of each key that is stored without a passphrase; docs/security.md says so once.
        builder.Logging.AddFilter("Microsoft.AspNetCore.DataProtection", LogLevel.Error);
        var documents = new Documents(database.Gateway(), options.TimeProvider);
        var prices = new CurrentPrices(settings.Prices, documents, options.TimeProvider);
        builder.Services
            .AddSingleton<IHostLifetime, EmbeddedLifetime>()
            .Configure<HostOptions>(host => host.ShutdownTimeout = options.ShutdownTimeout)
            .AddRouting()
            .AddSingleton(options.TimeProvider)
            .AddSingleton(options)
            .AddSingleton(options.Limits)
            .AddSingleton(settings)
            .AddSingleton(settings.Hosts)
            .AddSingleton(settings.Origins)
            .AddSingleton(settings.Frames)
            .AddCors(cors => cors.AddDefaultPolicy(policy => AllowOrigins(policy, settings.Origins)))
            .AddAccess(settings, database.Access(), new UnguardedStores(
                database.Traces(new CallPricer(() => prices.Table)), database.Analysis(), database.Experiments(), database.Runs(), database.Assessments(), database.Views()))
            .AddSingleton(new ArtifactFolder(settings.ArtifactsPath))
            .AddSingleton<ArtifactUploads>()
            .AddSingleton<TraceFiles>()
            .AddSingleton(experiments)
            .AddSingleton(database.Gateway())
            .AddSingleton(documents)
            .AddSingleton(prices)
            .AddScoped<PriceGuard>()
            .AddSingleton(secretKeys)
            .AddSingleton<SecretVault>()
            .AddSingleton(new UpstreamRules(options.GatewayAllowedHosts, options.GatewayOutboundProxy))
            .AddGateway()
            .AddSingleton(database.Health())
            .AddSingleton(database.Changes)
            .AddSingleton(database.Blobs())
            .AddSingleton(database.Retention())
            .AddSingleton(blobs)
            .AddSingleton(settings.Retention)
            .AddSingleton<TraceRetention>()
            .AddSingleton<RetentionJob>()
            .AddHostedService(provider => provider.GetRequiredService<RetentionJob>())
            .AddScoped<RetentionGuard>()
            .AddSingleton(meter)
            .AddSingleton<Drain>()
            .AddSingleton<Readiness>()
            .AddHsts(hsts => hsts.MaxAge = HstsAge)
            .AddSingleton<OtlpBudget>()
            .AddScoped<OtlpReceiver>()
            .AddHostedService<ConventionRemapping>()
            .AddSingleton(_ => database.TextIndex())
            .AddHostedService<TextIndexing>()
            .AddSingleton(_ => database.Rollups())
            .AddHostedService<RollingUp>()
            .AddMcp(options.McpMaxAnswerBytes)
            .AddTraceUi()
            .AddOtlpGrpc();

        var app = builder.Build();
        app.UseProxyHeaders(settings);
        app.UsePathBase(settings.PathBase);
        app.UseHsts();
        app.UseMiddleware<SecurityHeaders>();
        app.UseMiddleware<RequestLog>();
        app.UseMiddleware<DrainGate>();
        app.UseMiddleware<ErrorAnswers>();
        app.UseMiddleware<OriginGuard>();
        if (!settings.Origins.IsEmpty)
        {
            app.UseCors();
        }

        app.UseRouting();
        app.UseAccess();
        app.MapServer();
        app.MapOwnTelemetry(options);
        app.MapOpenApi();
        app.MapOtlp();
        app.MapExperiments();
        app.MapTraces();
        app.MapTracesV2();
        app.MapTraceAnalysis();
        app.MapAssessments();
        app.MapRuns();
        app.MapRetention();
        app.MapTraceData();
        app.MapArtifacts();
        app.MapMcpTools();
        app.MapUsers();
        app.MapTokens();
        app.MapAccount();
        app.MapSecrets();
        app.MapGatewayAdministration();
        app.MapProviders();
        app.MapGateway();
        app.MapTraceUi();
        if (grpc.Warning is { } warning)
        {
            LogNoGrpc(app.Logger, settings.OtlpGrpcPort, warning);
        }

        if (isLoop)
        {
            LogLoop(app.Logger, settings.TelemetryEndpoint);
        }

        if (settings.Certificate is { } certificate)
        {
            certificate.Logger = app.Logger;
        }

        return app;
    }

    private static void AllowOrigins(CorsPolicyBuilder policy, OriginAllowList origins)
    {
        policy.AllowAnyMethod().AllowAnyHeader();
        if (origins.IsAny)
        {
            // Without credentials: what a browser keeps for this server is not for every page there is.
            policy.AllowAnyOrigin();
        }
        else
        {
            policy.SetIsOriginAllowed(origins.Allows).AllowCredentials();
        }
    }

    private static void Listen(KestrelServerOptions kestrel, ServerSettings settings, MlflowServerLimits limits, GrpcSockets grpc)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = limits.MaxBodyBytes;
        kestrel.Limits.MaxConcurrentConnections = limits.MaxConnections;
        kestrel.Limits.MaxConcurrentUpgradedConnections = limits.MaxConnections;
        kestrel.Limits.RequestHeadersTimeout = limits.HeadersTimeout;
        var rate = limits.MinBytesPerSecond == 0 ? null : new MinDataRate(limits.MinBytesPerSecond, Grace);
        kestrel.Limits.MinRequestBodyDataRate = rate;
        kestrel.Limits.MinResponseDataRate = rate;
        foreach (var address in settings.Addresses)
        {
            kestrel.Listen(address, settings.Port, listen => settings.Certificate?.Use(listen));
        }

        // gRPC speaks HTTP/2 without TLS, which cannot share a port with HTTP/1.1.
        foreach (var endpoint in grpc.Endpoints)
        {
            kestrel.Listen(endpoint, listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                settings.Certificate?.Use(listen);
            });
        }
    }

    [LoggerMessage(LogLevel.Warning, "The server sends no telemetry of its own: {Endpoint} (OTEL_EXPORTER_OTLP_ENDPOINT) is the server itself.")]
    private static partial void LogLoop(ILogger logger, Uri? endpoint);

    [LoggerMessage(LogLevel.Warning, "OTLP over gRPC is not received: port {Port} cannot be had, {Reason}. Choose another with --otlp-grpc-port, or turn it off with --otlp-grpc-port none.")]
    private static partial void LogNoGrpc(ILogger logger, int? port, string reason);
}
