using System.CommandLine;
using MLflow.Server.Access;

namespace MLflow.Cli.Access;

/// <summary><c>mlflow users permit</c></summary>
internal sealed class PermitCommand : Command
{
    private readonly StoreOption _store = new();
    private readonly Argument<string> _name = UserArgument.Create();
    private readonly Option<string?> _experiment = new("--experiment") { Description = "Name or id; without it, for all experiments of which nothing else is said.", HelpName = "EXPERIMENT" };
    private readonly Option<Permission> _permission = PermissionOption.Create("What the user may do.", isRequired: true);

    public PermitCommand()
        : base("permit", "Says what a user may do with an experiment, or with all of which nothing else is said.")
    {
        Add(_name);
        Add(_experiment);
        Add(_permission);
        _store.AddTo(this);
        SetAction((parsed, cancellationToken) => StoreOption.TellAsync(() => RunAsync(parsed, cancellationToken)));
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        await using var store = await _store.OpenAsync(parsed, cancellationToken);
        var user = StoreOption.RequireUser(store, parsed.GetRequiredValue(_name));
        var permission = parsed.GetRequiredValue(_permission);
        var what = permission.ToString().ToLowerInvariant();
        if (parsed.GetValue(_experiment) is { } experiment)
        {
            var id = await StoreOption.FindExperimentAsync(store, experiment, cancellationToken);
            await store.Administration.ChangePermissionAsync(Actor.CommandLine, user, id, permission, cancellationToken);
            await Console.Out.WriteLineAsync($"{user.Name}: {what} for experiment {experiment}.");
        }
        else
        {
            await store.Administration.ChangeDefaultPermissionAsync(Actor.CommandLine, user.Name, permission, cancellationToken);
            await Console.Out.WriteLineAsync($"{user.Name}: {what} by default.");
        }

        return 0;
    }
}
