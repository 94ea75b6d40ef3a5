using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using MLflow.Server.Access;

namespace MLflow.Cli.Access;

/// <summary><c>mlflow tokens create</c></summary>
internal sealed class CreateTokenCommand : Command
{
    private readonly StoreOption _store = new();
    private readonly Option<string> _user = new("--user", "-u") { Description = "Whose token: it never does more than this user may.", HelpName = "NAME", Required = true };
    private readonly Option<string> _name = new("--name", "-n") { Description = "What it is for, to know it by.", HelpName = "TEXT", Required = true };
    private readonly Option<TokenScope> _scope = new("--scope")
    {
        Description = "ingest sends traces and reads none; read; write; admin is all that the user may.",
        HelpName = "ingest|read|write|admin",
        Required = true,
        CustomParser = ParseScope,
    };

    private readonly Option<string[]> _experiments = new("--experiment") { Description = "Name or id of an experiment that it is for; without it, all. Can be given several times.", HelpName = "EXPERIMENT" };
    private readonly Option<int?> _days = new("--expires-in-days") { Description = "Without it, it is valid until it is revoked.", HelpName = "DAYS" };

    public CreateTokenCommand()
        : base("create", "Creates a token and writes it to standard output, once: it is kept nowhere.")
    {
        Add(_user);
        Add(_name);
        Add(_scope);
        Add(_experiments);
        Add(_days);
        _store.AddTo(this);
        SetAction((parsed, cancellationToken) => StoreOption.TellAsync(() => RunAsync(parsed, cancellationToken)));
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        await using var store = await _store.OpenAsync(parsed, cancellationToken);
        var user = StoreOption.RequireUser(store, parsed.GetRequiredValue(_user));
        List<long>? experiments = null;
        foreach (var experiment in parsed.GetResult(_experiments) is null ? [] : parsed.GetValue(_experiments) ?? [])
        {
            (experiments ??= []).Add(await StoreOption.FindExperimentAsync(store, experiment, cancellationToken));
        }

        var days = parsed.GetValue(_days);
        var (token, secret) = await store.Administration.CreateTokenAsync(
            Actor.CommandLine, user, parsed.GetRequiredValue(_name), parsed.GetRequiredValue(_scope), experiments, days is { } life ? TimeSpan.FromDays(life) : null, cancellationToken);

        // Only the token on standard output, for scripts.
        await Console.Out.WriteLineAsync(secret.Text);
        await Console.Error.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"Token {token.TokenId} of {user.Name}, {(token.ExpiresMs is { } expires ? "until " + TokenOutput.Time(expires) : "until it is revoked")}. It is shown this once; give it to programs as MLFLOW_TRACKING_TOKEN."));
        return 0;
    }

    private static TokenScope ParseScope(ArgumentResult result)
    {
        var text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
        if (!Enum.TryParse<TokenScope>(text, ignoreCase: true, out var scope) || !Enum.IsDefined(scope) || char.IsAsciiDigit(text[0]))
        {
            result.AddError($"--scope {text} is not known: write ingest, read, write or admin");
        }

        return scope;
    }
}
