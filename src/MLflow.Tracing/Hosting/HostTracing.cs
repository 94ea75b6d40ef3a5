using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace MLflow;

/// <summary>A host's tracing from before its first service starts until after its last one has stopped.</summary>
internal sealed class HostTracing(MlflowClient client, IOptions<MlflowTracingOptions> options) : IHostedLifecycleService
{
    public static MlflowClient CreateClient(IServiceProvider services)
    {
        var options = services.GetRequiredService<IOptions<MlflowTracingOptions>>().Value;
        options.LoggerFactory ??= services.GetService<ILoggerFactory>();
        return new MlflowClient(options, Mlflow.Tracer);
    }

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        var settings = options.Value;
        foreach (var key in settings.Unknown)
        {
            client.Log.Warn("unknown-setting-" + key, $"{ConfigurationReader.Section}:{key} in the configuration is no setting of MLflow's tracing and is ignored.");
        }

        if (!Mlflow.Attach(client))
        {
            client.Log.Warn(
                "second-host",
                "Another host of this process came first: the static Mlflow, [Trace] and automatic tracing record for that one, but for requests that pass UseMlflowTracing() here. "
                + "In other work of this host, use the injected MlflowClient, or Mlflow.UseClient(client).");
        }

        if (settings.Autolog)
        {
            OpenAIAutolog.TurnOnUnlessDecided(client, settings.ConfigureOpenAI);
        }

        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <param name="cancellationToken">Says that the host's shutdown timeout is over. What waits then is left to the client's own end, which has a limit of its own.</param>
    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        try
        {
            await client.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            client.Log.Warn("host-timeout", "The host's shutdown timeout came before all traces were sent; what is left goes to the disk.");
        }
        finally
        {
            Mlflow.Detach(client);
        }
    }
}
