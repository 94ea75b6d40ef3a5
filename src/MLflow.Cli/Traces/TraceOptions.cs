using System.CommandLine;

namespace MLflow.Cli.Traces;

/// <summary>Options that several commands share.</summary>
internal static class TraceOptions
{
    public static Option<string> TraceId() => new("--trace-id") { Description = "Id of the trace, tr-…", HelpName = "ID", Required = true };
}
