using System.Text.Json;

namespace MLflow.EndToEnd.Tests.Cli;

/// <summary>How a command ended.</summary>
internal sealed record CommandResult(int ExitCode, string Output, string Errors)
{
    public JsonElement Json => JsonElement.Parse(Output);
}
