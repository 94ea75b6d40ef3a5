using System.CommandLine;

namespace MLflow.Cli.Experiments;

/// <summary>How one experiment is named.</summary>
internal static class ExperimentOptions
{
    public static Option<string> Id() => new("--experiment-id", "-x") { Description = "Id of the experiment.", HelpName = "ID", Required = true };

    public static Option<string?> OptionalId() => new("--experiment-id", "-x") { Description = "Id of the experiment.", HelpName = "ID" };

    public static Option<string?> OptionalName() => new("--experiment-name", "-n") { Description = "Name of the experiment.", HelpName = "NAME" };
}
