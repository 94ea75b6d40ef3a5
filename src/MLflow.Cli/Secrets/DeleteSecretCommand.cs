using System.CommandLine;
using MLflow.Cli.Access;
using MLflow.Cli.Commands;
using MLflow.Cli.Output;
using MLflow.Server.Access;

namespace MLflow.Cli.Secrets;

/// <summary><c>mlflow secrets delete</c></summary>
internal sealed class DeleteSecretCommand : Command
{
    private readonly StoreOption _store = new();
    private readonly Confirmation _confirmation = new();
    private readonly Argument<string> _name = new("name") { Description = "Its name, or its id.", HelpName = "NAME" };

    public DeleteSecretCommand()
        : base("delete", "Deletes a secret. Endpoints that use it refuse calls from then on.")
    {
        Add(_name);
        _confirmation.AddTo(this);
        _store.AddTo(this);
        SetAction((parsed, cancellationToken) => StoreOption.TellAsync(() => RunAsync(parsed, cancellationToken)));
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        await using var vault = await OpenedVault.OpenAsync(_store, parsed, cancellationToken);
        var name = parsed.GetRequiredValue(_name);
        var secret = vault.Secrets.FindByName(name) ?? vault.Secrets.FindById(name) ?? throw new CommandException($"there is no secret '{name}'; dotnet mlflow secrets list shows them");
        if (!await _confirmation.AskAsync(parsed, $"Delete secret {secret.Name}?", cancellationToken))
        {
            return ExitCodes.Failed;
        }

        await vault.Secrets.DeleteAsync(Actor.CommandLine, secret.Id, cancellationToken);
        await Console.Out.WriteLineAsync($"Deleted secret {secret.Name}.");
        return 0;
    }
}
