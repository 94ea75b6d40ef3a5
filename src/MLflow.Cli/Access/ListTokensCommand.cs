using System.CommandLine;
using MLflow.Cli.Output;

namespace MLflow.Cli.Access;

/// <summary><c>mlflow tokens list</c></summary>
internal sealed class ListTokensCommand : Command
{
    private readonly StoreOption _store = new();
    private readonly Option<string?> _user = new("--user", "-u") { Description = "Whose tokens; without it, everybody's.", HelpName = "NAME" };

    public ListTokensCommand()
        : base("list", "Lists tokens, without their secrets, which nobody has but their holders.")
    {
        Add(_user);
        _store.AddTo(this);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        await using var store = await _store.OpenAsync(parsed, cancellationToken);
        var userId = parsed.GetValue(_user) is { } name ? StoreOption.RequireUser(store, name).UserId : (long?)null;
        var names = store.Users.ListUsers().ToDictionary(user => user.UserId, user => user.Name);
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var table = StandardOutput.Table("TOKEN", "USER", "NAME", "SCOPE", "EXPERIMENTS", "CREATED", "LAST USED", "VALID UNTIL");
        foreach (var token in store.Users.ListTokens(userId))
        {
            table.Add(
                token.TokenId,
                names[token.UserId],
                token.Name,
                token.Scope.ToString().ToLowerInvariant(),
                token.Experiments is null ? "all" : string.Join(", ", token.Experiments),
                TokenOutput.Time(token.CreatedMs),
                TokenOutput.Time(token.LastUsedMs),
                token.RevokedMs is not null ? "revoked" : token.IsValid(now) ? TokenOutput.Time(token.ExpiresMs) ?? "it is revoked" : "expired");
        }

        await StandardOutput.WriteAsync(table);
        return 0;
    }
}
