using System.CommandLine;
using MLflow.Cli.Commands;
using MLflow.Server.Access;

namespace MLflow.Cli.Access;

/// <summary><c>mlflow tokens revoke</c></summary>
internal sealed class RevokeTokenCommand : Command
{
    private readonly StoreOption _store = new();
    private readonly Argument<string> _token = new("token") { Description = "Its id, as mlflow tokens list shows it, or the token itself.", HelpName = "TOKEN" };

    public RevokeTokenCommand()
        : base("revoke", "Makes a token invalid at once.")
    {
        Add(_token);
        _store.AddTo(this);
        SetAction((parsed, cancellationToken) => StoreOption.TellAsync(() => RunAsync(parsed, cancellationToken)));
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        await using var store = await _store.OpenAsync(parsed, cancellationToken);
        var text = parsed.GetRequiredValue(_token);
        var id = TokenSecret.TryParse(text, out var secret) ? secret.TokenId : text;
        if (!await store.Administration.RevokeTokenAsync(Actor.CommandLine, id, cancellationToken))
        {
            throw new CommandException($"there is no valid token '{id}'; dotnet mlflow tokens list shows them");
        }

        await Console.Out.WriteLineAsync($"Revoked token {id}.");
        return 0;
    }
}
