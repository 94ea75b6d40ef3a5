using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace MLflow;

/// <summary>Adds tracing to a host.</summary>
public static class MlflowServiceCollectionExtensions
{
    /// <summary>
    /// Traces what the host does: automatic tracing of OpenAI calls is on from its start, warnings go to its logger, and what waits is sent when it stops, within its shutdown
    /// timeout. The host has a <see cref="MlflowClient"/> of its own, which can be injected; the static <see cref="Mlflow"/> speaks for it (see <see cref="Mlflow.UseClient"/>).
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">
    /// Changes the settings after they were read from the configuration: section <c>MLflow</c> (<c>MLflow:TrackingUri</c>, <c>MLflow:Experiment</c> and so on, by the names of
    /// <see cref="MlflowTracingOptions"/>), then the names of MLflow's own clients (<c>MLFLOW_TRACKING_URI</c>, <c>MLFLOW_EXPERIMENT_NAME</c>, …).
    /// </param>
    /// <returns>The same services.</returns>
    /// <remarks>A second call adds its settings to the first. All mistakes in settings are told at once, by an <see cref="OptionsValidationException"/> at the start of the host.</remarks>
    public static IServiceCollection AddMlflowTracing(this IServiceCollection services, Action<MlflowTracingOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<MlflowTracingOptions>().ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<MlflowTracingOptions>, ConfigurationReader>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<MlflowTracingOptions>, MlflowTracingOptionsValidator>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, HostTracing>());
        services.TryAddSingleton(HostTracing.CreateClient);
        if (configure is not null)
        {
            services.Configure(configure);
        }

        return services;
    }
}
