using System.CommandLine;
using MLflow.Cli.Output;

namespace MLflow.Cli.Access;

/// <summary><c>mlflow users audit</c></summary>
internal sealed class AuditCommand : Command
{
    private readonly StoreOption _store = new();
    private readonly Option<int> _maxResults = new("--max-results") { Description = "At most so many entries.", DefaultValueFactory = _ => 100, HelpName = "N" };

    public AuditCommand()
        : base("audit", "Shows the newest entries of the audit log: who did what, from where, and how it ended.")
    {
        Add(_maxResults);
        _store.AddTo(this);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        await using var store = await _store.OpenAsync(parsed, cancellationToken);
        var table = StandardOutput.Table("TIME", "WHO", "FROM", "WHAT", "OF", "RESULT");
        foreach (var entry in store.Users.ListAudit(Math.Max(1, parsed.GetValue(_maxResults))))
        {
            table.Add(TokenOutput.Time(entry.TimeMs), entry.Actor, entry.Address, entry.Action, entry.Target, entry.Result);
        }

        await StandardOutput.WriteAsync(table);
        return 0;
    }
}
