using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace MLflow;

/// <summary>Adds tracing to the pipeline of an application.</summary>
public static class MlflowApplicationBuilderExtensions
{
    /// <summary>
    /// Makes each request one trace, whose root span has its method and route, and below which all is that the request does: calls of models, <c>[Trace]</c>, <c>Mlflow.StartSpan</c>.
    /// They are recorded by the <see cref="MlflowClient"/> of this host (<c>services.AddMlflowTracing()</c>); where it has none, by the process's.
    /// </summary>
    /// <remarks>Place it behind what answers by itself and is of no interest, such as static files. A request that passes twice is traced once.</remarks>
    /// <param name="app">The application.</param>
    /// <param name="configure">Changes the options.</param>
    /// <returns>The same application.</returns>
    /// <exception cref="ArgumentException">An option is wrong, a setting of the process where it has no host's client is, or the <see cref="MlflowClient"/> among the services is not that of <c>AddMlflowTracing()</c>.</exception>
    public static IApplicationBuilder UseMlflowTracing(this IApplicationBuilder app, Action<RequestTracingOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(app);
        var options = new RequestTracingOptions();
        configure?.Invoke(options);
        options.Validate();
        var client = app.ApplicationServices.GetService<MlflowClient>();

        // What is wrong is told now, not at the first request.
        if (client is not null)
        {
            Mlflow.UseClient(client).Dispose();
        }
        else
        {
            Mlflow.Tracer.Prepare();
        }

        return app.Use(next => new RequestTracing(next, client, options).InvokeAsync);
    }

    /// <summary>Leaves requests to these endpoints untraced: health checks, metrics.</summary>
    /// <param name="builder">The endpoints.</param>
    /// <returns>The same endpoints.</returns>
    public static TBuilder DisableMlflowTracing<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder
    {
        builder.Add(static endpoint => endpoint.Metadata.Add(NotTracedEndpoint.Instance));
        return builder;
    }
}
