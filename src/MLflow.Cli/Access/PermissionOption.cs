using System.CommandLine;
using System.CommandLine.Parsing;
using MLflow.Server.Access;

namespace MLflow.Cli.Access;

/// <summary><c>--permission none|read|edit|manage</c></summary>
internal static class PermissionOption
{
    public static Option<Permission> Create(string description, bool isRequired = false) => new("--permission")
    {
        Description = description,
        HelpName = "none|read|edit|manage",
        Required = isRequired,
        CustomParser = Parse,
    };

    private static Permission Parse(ArgumentResult result)
    {
        var text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
        if (!Enum.TryParse<Permission>(text, ignoreCase: true, out var permission) || !Enum.IsDefined(permission) || char.IsAsciiDigit(text[0]))
        {
            result.AddError($"--permission {text} is not known: write none, read, edit or manage");
        }

        return permission;
    }
}
