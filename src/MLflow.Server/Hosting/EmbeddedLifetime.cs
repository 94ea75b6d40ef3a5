namespace MLflow.Server.Hosting;

/// <summary>Leaves Ctrl-C and termination signals to the program in which the server runs; the usual lifetime would take them.</summary>
internal sealed class EmbeddedLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
