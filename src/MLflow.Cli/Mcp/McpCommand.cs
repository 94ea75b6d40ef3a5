using System.CommandLine;
using MLflow.Cli.Commands;
using MLflow.Cli.Tracking;
using MLflow.Server.Mcp;
using ModelContextProtocol.Server;

namespace MLflow.Cli.Mcp;

/// <summary><c>mlflow mcp</c>; MLflow's own command line calls it <c>mcp run</c>. Standard output belongs to the protocol.</summary>
internal sealed class McpCommand : Command
{
    private const string AsMlflow = "run";

    private readonly TrackingOptionSet _tracking = new();
    private readonly Option<int> _maxAnswerBytes = new("--max-answer-bytes")
    {
        Description = $"Bytes of text that an answer may have, {McpTools.LeastMaxBytes} to {McpTools.MostMaxBytes}.",
        DefaultValueFactory = _ => McpTools.DefaultMaxBytes,
        HelpName = "BYTES",
    };

    public McpCommand(string name = "mcp")
        : base(name, "Serves the tools of the Model Context Protocol that read traces, on standard input and output, for agents on this machine.")
    {
        Add(_maxAnswerBytes);
        _tracking.AddTo(this);
        SetAction(RunAsync);
        if (name != AsMlflow)
        {
            Add(new McpCommand(AsMlflow));
        }
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var maxBytes = parsed.GetValue(_maxAnswerBytes);
        if (maxBytes is < McpTools.LeastMaxBytes or > McpTools.MostMaxBytes)
        {
            throw CommandException.WrongUse($"--max-answer-bytes {maxBytes} is not possible: it must be {McpTools.LeastMaxBytes} to {McpTools.MostMaxBytes}");
        }

        using var target = TrackingTarget.Connect(_tracking, parsed);
        var options = new McpServerOptions();
        McpTools.Configure(options, new RestToolSource(target.Api), maxBytes);
        await using var transport = new StdioServerTransport(options);
        await using var server = McpServer.Create(transport, options);

        // It ends when the agent closes standard input.
        await server.RunAsync(cancellationToken);
        return ExitCodes.Done;
    }
}
