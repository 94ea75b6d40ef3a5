using System.CommandLine;

namespace MLflow.Cli.Access;

/// <summary><c>mlflow tokens</c></summary>
internal sealed class TokensCommand : Command
{
    public TokensCommand()
        : base("tokens", "Makes and revokes API tokens of a server, in its database.")
    {
        Add(new CreateTokenCommand());
        Add(new ListTokensCommand());
        Add(new RevokeTokenCommand());
    }
}
