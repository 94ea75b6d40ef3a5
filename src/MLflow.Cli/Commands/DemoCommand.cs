using System.CommandLine;
using MLflow.Cli.Demo;
using MLflow.Server;

namespace MLflow.Cli.Commands;

/// <summary><c>mlflow demo</c>: a server, the examples of the documentation, and where to look at their traces.</summary>
internal sealed class DemoCommand : Command
{
    private readonly ServerOptionSet _options = new();
    private readonly Option<bool> _once = new("--once")
    {
        Description = "End after the examples: exit code 0 when all their traces are stored, else 1.",
    };

    public DemoCommand()
        : base("demo", "Starts a tracking server, traces the documentation's OpenAI examples into it and says where to see them.")
    {
        _options.AddTo(this, loopbackOnly: true);
        Add(_once);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var screen = new DemoScreen(Console.Out, Console.IsOutputRedirected);
        var options = _options.Read(parsed);

        // The scripted model plays one of OpenAI's, and its calls are to show what those would cost.
        options.PriceUnknownHostsAs ??= "openai";

        // A demonstration says nothing to the collectors of whoever looks at it.
        options.TelemetryEndpoint = null;
        await using var server = await MlflowServer.StartAsync(options, cancellationToken);
        await using var model = await ModelEndpoint.OpenAsync(cancellationToken);
        screen.ShowStart(server.BaseAddress, model);

        var traces = await new DemoRun(server.BaseAddress, model, screen).RunAsync(cancellationToken);
        screen.ShowTraces(server.BaseAddress, traces);
        if (!parsed.GetValue(_once))
        {
            screen.ShowWaiting(server.BaseAddress);
            await server.WaitForShutdownAsync(cancellationToken);
        }

        return 0;
    }
}
