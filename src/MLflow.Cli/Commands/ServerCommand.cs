using System.CommandLine;
using MLflow.Cli.Commands.Settings;
using MLflow.Server;

namespace MLflow.Cli.Commands;

/// <summary><c>mlflow server</c>: runs a tracking server until Ctrl-C.</summary>
internal sealed class ServerCommand : Command
{
    private readonly ServerOptionSet _options = new();
    private readonly Option<string?> _config = new("--config")
    {
        Description = $"JSON file of settings, named as the options; {SettingsFile.DefaultName} in this folder where none is named. Options and environment go first.",
        HelpName = "FILE",
    };

    private ServerArguments? _arguments;

    public ServerCommand()
        : base("server", "Runs a tracking server until Ctrl-C.")
    {
        _options.AddTo(this);
        Add(_config);
        SetAction(RunAsync);
    }

    /// <summary>The arguments with what environment and file say of options that are not given.</summary>
    public IReadOnlyList<string> Complete(IReadOnlyList<string> args, ParseResult parsed)
    {
        _arguments = ServerArguments.Complete(args, parsed, _config, Environment.GetEnvironmentVariable);
        return _arguments.All;
    }

    /// <summary>All that is wrong with completed arguments, in the order: the call itself, the file, the values.</summary>
    public IReadOnlyList<string> Mistakes(ParseResult parsed)
    {
        List<string> mistakes = [.. parsed.Errors.Select(_arguments!.Told), .. _arguments!.Mistakes];
        try
        {
            _options.Read(parsed, _arguments.Setting).Validate();
        }
        catch (MlflowServerStartException e)
        {
            mistakes.AddRange(e.Mistakes.Select(_arguments.Told));
        }

        return mistakes;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var options = _options.Read(parsed, _arguments is { } arguments ? arguments.Setting : Environment.GetEnvironmentVariable);
        await using var server = await MlflowServer.StartAsync(options, cancellationToken);
        await Console.Out.WriteLineAsync($"MLflow server is listening on {server.BaseAddress} and keeps traces in {server.BackendStore}. Ctrl-C stops it.");
        if (server.IsOnAllAddresses)
        {
            await Console.Out.WriteLineAsync("It listens on all addresses of this machine, which others may reach.");
        }

        if (server.OtlpGrpcAddress is { } grpc)
        {
            await Console.Out.WriteLineAsync($"It receives OTLP over gRPC on {grpc} too.");
        }

        if (server.SetupAddress is { } setup)
        {
            await Console.Out.WriteLineAsync($"It has no users yet. Open {setup} to make the first one, an administrator; the link works once.");
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
