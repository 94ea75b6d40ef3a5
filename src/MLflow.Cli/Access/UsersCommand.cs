using System.CommandLine;

namespace MLflow.Cli.Access;

/// <summary><c>mlflow users</c></summary>
internal sealed class UsersCommand : Command
{
    public UsersCommand()
        : base("users", "Makes and changes users of a server, in its database.")
    {
        Add(new CreateUserCommand());
        Add(new ListUsersCommand());
        Add(new DeleteUserCommand());
        Add(new ChangePasswordCommand());
        Add(new PermitCommand());
        Add(new AuditCommand());
    }
}
