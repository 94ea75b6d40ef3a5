using System.CommandLine;

namespace MLflow.Cli.Experiments;

/// <summary><c>mlflow experiments</c>, with the options of MLflow's own command line.</summary>
internal sealed class ExperimentsCommand : Command
{
    public ExperimentsCommand()
        : base("experiments", "Finds and changes experiments.")
    {
        Add(new SearchExperimentsCommand());
        Add(new GetExperimentCommand());
        Add(new CreateExperimentCommand());
        Add(new RenameExperimentCommand());
        Add(new DeleteExperimentCommand());
        Add(new RestoreExperimentCommand());
    }
}
