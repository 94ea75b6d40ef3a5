using System.CommandLine;
using System.Globalization;
using MLflow.Cli.Output;

namespace MLflow.Cli.Access;

/// <summary><c>mlflow users list</c></summary>
internal sealed class ListUsersCommand : Command
{
    private readonly StoreOption _store = new();

    public ListUsersCommand()
        : base("list", "Lists users and what they may do.")
    {
        _store.AddTo(this);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        await using var store = await _store.OpenAsync(parsed, cancellationToken);
        var table = StandardOutput.Table("NAME", "ROLE", "SIGNS IN BY", "DEFAULT", "EXPERIMENTS");
        foreach (var user in store.Users.ListUsers())
        {
            table.Add(
                user.Name,
                user.IsAdmin ? "administrator" : "user",
                user.Issuer ?? (user.PasswordHash is null ? "tokens only" : "password"),
                user.DefaultPermission.ToString().ToLowerInvariant(),
                string.Join(", ", user.Permissions.OrderBy(pair => pair.Key).Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Key}: {pair.Value.ToString().ToLowerInvariant()}"))));
        }

        await StandardOutput.WriteAsync(table);
        return 0;
    }
}
