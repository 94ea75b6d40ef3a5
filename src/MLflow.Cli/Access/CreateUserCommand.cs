using System.CommandLine;
using MLflow.Server.Access;

namespace MLflow.Cli.Access;

/// <summary><c>mlflow users create</c></summary>
internal sealed class CreateUserCommand : Command
{
    private readonly StoreOption _store = new();
    private readonly Argument<string> _name = UserArgument.Create();
    private readonly Option<bool> _admin = new("--admin") { Description = "May do everything, and manage users." };
    private readonly Option<bool> _noPassword = new("--no-password") { Description = "Cannot sign in; for programs, which use tokens." };
    private readonly Option<Permission> _permission = PermissionOption.Create("For experiments of which nothing else is said; read without it.");

    public CreateUserCommand()
        : base("create", "Creates a user. The password is asked for, or is the first line of standard input.")
    {
        _permission.DefaultValueFactory = _ => Permission.Read;
        Add(_name);
        Add(_admin);
        Add(_noPassword);
        Add(_permission);
        _store.AddTo(this);
        SetAction((parsed, cancellationToken) => StoreOption.TellAsync(() => RunAsync(parsed, cancellationToken)));
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var name = parsed.GetRequiredValue(_name);
        NewUser.CheckName(name);
        var password = parsed.GetValue(_noPassword) ? null : await PasswordPrompt.AskAsync(name, cancellationToken);
        await using var store = await _store.OpenAsync(parsed, cancellationToken, mayCreate: true);
        var isFirst = !store.Users.HasUsers();
        await store.Administration.CreateUserAsync(Actor.CommandLine, name, password, parsed.GetValue(_admin), parsed.GetValue(_permission), onlyFirst: false, cancellationToken);
        await Console.Out.WriteLineAsync($"Created user '{name}'{(parsed.GetValue(_admin) ? ", an administrator" : "")}.");
        if (isFirst)
        {
            await Console.Out.WriteLineAsync("It is the first one: from now on the server asks everybody to sign in, also on this machine.");
        }

        return 0;
    }
}
