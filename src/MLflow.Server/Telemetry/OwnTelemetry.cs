using System.Diagnostics.Metrics;
using MLflow.Server.Access.Http;
using MLflow.Server.Hosting;
using MLflow.Server.Otlp;
using MLflow.Server.Rest;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace MLflow.Server.Telemetry;

/// <summary>
/// Shows the server's own figures at <see cref="MetricsPath"/>, and sends them, with a span for each request, to the place that the settings name.
/// What comes by OTLP makes no span: a collector may send here what it gets from here, and each round would make the next.
/// </summary>
internal static class OwnTelemetry
{
    public const string MetricsPath = "/metrics";

    private const string Service = "mlflow-server";

    private static readonly string[] Meters = [ServerMeter.Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel"];

    public static void AddOwnTelemetry(this IServiceCollection services, MlflowServerOptions options, Uri? endpoint, ServerMeter meter)
    {
        if (!options.Metrics && endpoint is null)
        {
            return;
        }

        var telemetry = services.AddOpenTelemetry().ConfigureResource(resource => resource.AddService(Service));
        telemetry.WithMetrics(metrics =>
        {
            metrics.AddMeter(Meters);
            if (options.Metrics)
            {
                metrics.AddPrometheusExporter();
            }

            if (endpoint is not null)
            {
                metrics.AddOtlpExporter(otlp => Configure(otlp, options, endpoint, "v1/metrics"));
            }
        });

        // Meters are heard by name, and every server of the process has these. Of two of a name, the end of one would be the end of both.
        services.ConfigureOpenTelemetryMeterProvider((provider, metrics) =>
        {
            var factory = provider.GetRequiredService<IMeterFactory>();
            metrics.AddView(instrument => instrument.Meter.Scope == meter || instrument.Meter.Scope == factory ? null : MetricStreamConfiguration.Drop);
        });
        if (endpoint is not null)
        {
            telemetry.WithTracing(tracing => tracing
                .AddAspNetCoreInstrumentation(requests => requests.Filter = context => IsOf(options, context) && IsTold(context.Request.Path))
                .AddOtlpExporter(otlp => Configure(otlp, options, endpoint, "v1/traces")));
        }
    }

    public static void MapOwnTelemetry(this WebApplication app, MlflowServerOptions options)
    {
        if (options.Metrics)
        {
            app.MapPrometheusScrapingEndpoint(MetricsPath).RequireAccess(AccessPolicies.Read);
        }
    }

    /// <summary>Whether an address is this server's own: what it sent there would make it send more.</summary>
    public static bool IsOwn(Uri endpoint, ServerSettings settings, GrpcSockets grpc)
    {
        var isHere = endpoint.IsLoopback || settings.Addresses.Any(address => address.ToString() == endpoint.DnsSafeHost);
        return isHere && ((settings.Port > 0 && endpoint.Port == settings.Port) || grpc.Endpoints.Any(own => own.Port == endpoint.Port));
    }

    // The instrumentation hears of the requests of every server in the process.
    private static bool IsOf(MlflowServerOptions options, HttpContext context) => ReferenceEquals(context.RequestServices.GetService<MlflowServerOptions>(), options);

    private static bool IsTold(PathString path) =>
        !path.StartsWithSegments("/v1") && path.Value?.StartsWith(OtlpGrpc.PathPrefix, StringComparison.Ordinal) != true && path != MetricsPath && !ServerEndpoints.IsForProbes(path);

    private static void Configure(OtlpExporterOptions otlp, MlflowServerOptions options, Uri endpoint, string path)
    {
        var isGrpc = options.TelemetryProtocol == "grpc";
        otlp.Protocol = isGrpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;
        otlp.Endpoint = isGrpc ? endpoint : new Uri(endpoint.ToString().TrimEnd('/') + "/" + path);
        otlp.Headers = options.TelemetryHeaders;
    }
}
