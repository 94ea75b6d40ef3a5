using System.CommandLine;
using MLflow.Cli.Output;
using MLflow.Server.Access;

namespace MLflow.Cli.Access;

/// <summary><c>mlflow users delete</c></summary>
internal sealed class DeleteUserCommand : Command
{
    private readonly StoreOption _store = new();
    private readonly Argument<string> _name = UserArgument.Create();
    private readonly Confirmation _confirmation = new();

    public DeleteUserCommand()
        : base("delete", "Deletes a user with tokens and sessions; what they sent stays.")
    {
        Add(_name);
        _confirmation.AddTo(this);
        _store.AddTo(this);
        SetAction((parsed, cancellationToken) => StoreOption.TellAsync(() => RunAsync(parsed, cancellationToken)));
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        await using var store = await _store.OpenAsync(parsed, cancellationToken);
        var user = StoreOption.RequireUser(store, parsed.GetRequiredValue(_name));
        if (!await _confirmation.AskAsync(parsed, $"Delete user '{user.Name}' with its tokens?", cancellationToken))
        {
            return 1;
        }

        await store.Administration.DeleteUserAsync(Actor.CommandLine, user.Name, cancellationToken);
        await Console.Out.WriteLineAsync(store.Users.HasUsers()
            ? $"Deleted user '{user.Name}'."
            : $"Deleted user '{user.Name}', the last one: a server that starts now asks nobody to sign in, and listens on this machine alone.");
        return 0;
    }
}
