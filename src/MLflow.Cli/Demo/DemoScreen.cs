using System.Globalization;
using Spectre.Console;

namespace MLflow.Cli.Demo;

/// <summary>What <c>mlflow demo</c> writes.</summary>
internal sealed class DemoScreen
{
    private readonly TextWriter _output;
    private readonly IAnsiConsole _console;

    public DemoScreen(TextWriter output, bool isRedirected)
    {
        _output = output;
        _console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output),
            Ansi = isRedirected ? AnsiSupport.No : AnsiSupport.Detect,
            Interactive = InteractionSupport.No,
        });
    }

    public void ShowStart(Uri server, ModelEndpoint model)
    {
        _output.WriteLine($"Tracking server: {server}");
        _output.WriteLine($"Model calls go to {model.Description}.");
    }

    public void ShowRunning(DemoExample example) => _output.WriteLine($"Running: {example.Name}");

    public void ShowTraces(Uri server, IReadOnlyList<DemoTrace> traces)
    {
        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumn("Example");
        table.AddColumn("Trace");
        table.AddColumn("State");
        table.AddColumn(new TableColumn("Latency").RightAligned());
        table.AddColumn(new TableColumn("Tokens").RightAligned());
        table.AddColumn(new TableColumn("Spans").RightAligned());
        foreach (var trace in traces)
        {
            table.AddRow(
                new Text(trace.Example),
                new Text(trace.Info.Name),
                new Text(trace.Info.State, trace.Info.State == "OK" ? new Style(Color.Green) : new Style(Color.Red)),
                new Text(trace.Info.Latency),
                new Text(trace.Info.Tokens?.ToString(CultureInfo.InvariantCulture) ?? "-"),
                new Text(trace.Spans.ToString(CultureInfo.InvariantCulture)));
        }

        _console.Write(table);

        // Below the table and not in it: a terminal follows a link only where it stands on one line.
        var width = traces.Max(trace => trace.Example.Length);
        foreach (var trace in traces)
        {
            _output.WriteLine($"{trace.Example.PadRight(width)}  {new Uri(server, "traces/" + trace.Info.TraceId)}");
        }
    }

    public void ShowWaiting(Uri server) => _output.WriteLine($"The server stays up at {server} until Ctrl-C.");
}
