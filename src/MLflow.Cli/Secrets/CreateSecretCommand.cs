using System.CommandLine;
using MLflow.Cli.Access;
using MLflow.Cli.Commands;
using MLflow.Server.Access;
using MLflow.Server.Gateway;
using MLflow.Server.Secrets;

namespace MLflow.Cli.Secrets;

/// <summary><c>mlflow secrets create</c></summary>
internal sealed class CreateSecretCommand : Command
{
    private readonly StoreOption _store = new();
    private readonly Argument<string> _name = new("name") { Description = "To know it by; it stays.", HelpName = "NAME" };
    private readonly Option<string> _provider = new("--provider", "-p")
    {
        Description = "Whose key it is.",
        DefaultValueFactory = _ => SecretVault.DefaultProvider,
        HelpName = string.Join('|', GatewayProvider.All.Select(provider => provider.Name)),
    };

    private readonly Option<string?> _apiBase = new("--api-base") { Description = "The only address that it is sent to; without it, the provider's own.", HelpName = "URL" };
    private readonly Option<string?> _apiVersion = new("--api-version") { Description = "Version of Azure's API; without it, its v1 address.", HelpName = "VERSION" };
    private readonly Option<string?> _variable = new("--from-env") { Description = "Variable that has the key; without it, it is asked for, or read from standard input.", HelpName = "VARIABLE" };

    public CreateSecretCommand()
        : base("create", "Stores a key, which is asked for or read from standard input: never an option, which other users of the machine could read.")
    {
        Add(_name);
        Add(_provider);
        Add(_apiBase);
        Add(_apiVersion);
        Add(_variable);
        _store.AddTo(this);
        SetAction((parsed, cancellationToken) => StoreOption.TellAsync(() => RunAsync(parsed, cancellationToken)));
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var provider = GatewayProvider.Require(parsed.GetRequiredValue(_provider));
        var authConfig = new Dictionary<string, string>();
        if (parsed.GetValue(_apiBase) is { Length: > 0 } apiBase)
        {
            authConfig[SecretDestination.ApiBase] = apiBase;
        }
        else if (provider.Base is null)
        {
            throw CommandException.WrongUse($"{provider.DisplayName} has no address of its own: give it by --api-base");
        }

        if (parsed.GetValue(_apiVersion) is { Length: > 0 } apiVersion)
        {
            authConfig[SecretDestination.ApiVersion] = apiVersion;
        }

        await using var vault = await OpenedVault.OpenAsync(_store, parsed, cancellationToken);
        var name = parsed.GetRequiredValue(_name);
        var key = parsed.GetValue(_variable) is { } variable
            ? Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value : throw CommandException.WrongUse($"--from-env {variable}: there is no such variable, or it is empty")
            : await PasswordPrompt.AskAsync(name, "key", cancellationToken);
        var secret = await vault.Secrets.CreateAsync(Actor.CommandLine, name, provider.Name, new Dictionary<string, string> { [GatewayProvider.KeyName] = key }, authConfig, cancellationToken);
        await Console.Out.WriteLineAsync(secret.Id);
        await Console.Error.WriteLineAsync($"Stored {name} ({secret.Masked[GatewayProvider.KeyName]}), for {(authConfig.GetValueOrDefault(SecretDestination.ApiBase) ?? provider.Base)} only.");
        return 0;
    }
}
