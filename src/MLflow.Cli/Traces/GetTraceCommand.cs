using System.CommandLine;
using System.Text.Json;
using MLflow.Cli.Commands;
using MLflow.Cli.Output;
using MLflow.Cli.Tracking;

namespace MLflow.Cli.Traces;

/// <summary><c>mlflow traces get</c></summary>
internal sealed class GetTraceCommand : Command
{
    private readonly TrackingOptionSet _tracking = new();
    private readonly Option<string> _traceId = TraceOptions.TraceId();
    private readonly Option<OutputFormat> _output = OutputOption.Create(OutputFormat.Json);

    public GetTraceCommand()
        : base("get", "Shows one trace with its spans: as JSON, or its tree with --output table.")
    {
        Add(_traceId);
        Add(_output);
        _tracking.AddTo(this);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        using var target = TrackingTarget.Connect(_tracking, parsed);
        var id = parsed.GetRequiredValue(_traceId);
        var trace = await new TraceSource(target.Api).FindAsync(id, cancellationToken) ?? throw new CommandException($"the server at {target.Name} has no trace '{id}'");
        if (parsed.GetValue(_output) == OutputFormat.Json)
        {
            await StandardOutput.WriteJsonAsync(trace.Write, cancellationToken);
            return 0;
        }

        using var text = new MemoryStream();
        await using (var json = new Utf8JsonWriter(text, TraceDocument.WriterOptions))
        {
            trace.Write(json);
        }

        await Console.Out.WriteLineAsync(string.Concat(TraceRecord.Parse(text.ToArray()).ToString().Select(c => char.IsControl(c) && c is not ('\n' or '\r') ? ' ' : c)));
        return 0;
    }
}
