using System.CommandLine;
using MLflow.Server.Access;

namespace MLflow.Cli.Access;

/// <summary><c>mlflow users passwd</c></summary>
internal sealed class ChangePasswordCommand : Command
{
    private readonly StoreOption _store = new();
    private readonly Argument<string> _name = UserArgument.Create();

    public ChangePasswordCommand()
        : base("passwd", "Gives a user another password and ends the user's sessions. It is asked for, or is the first line of standard input.")
    {
        Add(_name);
        _store.AddTo(this);
        SetAction((parsed, cancellationToken) => StoreOption.TellAsync(() => RunAsync(parsed, cancellationToken)));
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        await using var store = await _store.OpenAsync(parsed, cancellationToken);
        var user = StoreOption.RequireUser(store, parsed.GetRequiredValue(_name));
        var password = await PasswordPrompt.AskAsync(user.Name, cancellationToken);
        await store.Administration.ChangePasswordAsync(Actor.CommandLine, user.Name, password, cancellationToken);
        await Console.Out.WriteLineAsync($"Changed the password of '{user.Name}'.");
        return 0;
    }
}
