namespace MLflow.Cli.Demo.Scripted;

/// <summary>The request cannot be answered; <see cref="Error"/> is the answer.</summary>
internal sealed class ScriptedErrorException(ScriptedError error) : Exception(error.Message)
{
    public ScriptedError Error { get; } = error;
}
