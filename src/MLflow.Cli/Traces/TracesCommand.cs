using System.CommandLine;
using MLflow.Cli.Traces.Export;
using MLflow.Cli.Traces.Import;

namespace MLflow.Cli.Traces;

/// <summary><c>mlflow traces</c>, with the options of MLflow's own command line where it has the command.</summary>
internal sealed class TracesCommand : Command
{
    public TracesCommand()
        : base("traces", "Finds, shows, judges, changes, exports and imports traces.")
    {
        Add(new SearchTracesCommand());
        Add(new GetTraceCommand());
        Add(new DeleteTracesCommand());
        Add(new TagTraceCommand());
        Add(new FeedbackCommand());
        Add(new ExportTracesCommand());
        Add(new ImportTracesCommand());
    }
}
