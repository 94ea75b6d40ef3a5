using System.CommandLine;

namespace MLflow.Cli.Access;

/// <summary>The user that a command is about.</summary>
internal static class UserArgument
{
    public static Argument<string> Create() => new("name") { Description = "The user's name.", HelpName = "NAME" };
}
