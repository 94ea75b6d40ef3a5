using System.CommandLine;
using MLflow.Server;

namespace MLflow.Cli.Commands;

/// <summary><c>mlflow server</c>: runs a tracking server until Ctrl-C.</summary>
internal sealed class ServerCommand : Command
{
    private readonly ServerOptionSet _options = new();

    public ServerCommand()
        : base("server", "Runs a tracking server until Ctrl-C.")
    {
        _options.AddTo(this);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var options = _options.Read(parsed);
        await using var server = await MlflowServer.StartAsync(options, cancellationToken);
        await Console.Out.WriteLineAsync($"MLflow server is listening on {server.BaseAddress} and keeps traces in {options.BackendStoreUri}. Ctrl-C stops it.");
        if (server.OtlpGrpcAddress is { } grpc)
        {
            await Console.Out.WriteLineAsync($"It receives OTLP over gRPC on {grpc} too.");
        }

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var arriving = ImportCommand.SendToAsync(server.BaseAddress, options.BackendStoreUri, ending.Token);
        await server.WaitForShutdownAsync(cancellationToken);

        // What has not arrived stays on the disk for the next start.
        await ending.CancelAsync();
        await arriving;
        return 0;
    }
}
