using System.CommandLine;

namespace MLflow.Cli.Retention;

/// <summary><c>mlflow retention</c></summary>
internal sealed class RetentionCommand : Command
{
    public RetentionCommand()
        : base("retention", "Says and decides how long a server of this repository keeps traces.")
    {
        Add(new ShowRetentionCommand());
        Add(new SetRetentionCommand());
        Add(new RunRetentionCommand());
    }
}
