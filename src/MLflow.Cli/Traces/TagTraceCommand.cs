using System.CommandLine;
using MLflow.Cli.Commands;
using MLflow.Cli.Tracking;

namespace MLflow.Cli.Traces;

/// <summary><c>mlflow traces tag</c>; MLflow's own command line calls it <c>set-tag</c> and <c>delete-tag</c>.</summary>
internal sealed class TagTraceCommand : Command
{
    private readonly TrackingOptionSet _tracking = new();
    private readonly Option<string> _traceId = TraceOptions.TraceId();
    private readonly Option<string> _key = new("--key") { Description = "The tag's key: at most 250 letters, digits and _-. :/", HelpName = "KEY", Required = true };
    private readonly Option<string?> _value = new("--value") { Description = "Its value, which replaces the one before.", HelpName = "VALUE" };
    private readonly Option<bool> _delete = new("--delete") { Description = "Deletes the tag instead." };

    public TagTraceCommand()
        : base("tag", "Sets a tag of a trace, or deletes it.")
    {
        Aliases.Add("set-tag");
        Add(_traceId);
        Add(_key);
        Add(_value);
        Add(_delete);
        _tracking.AddTo(this);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var (id, key, value) = (parsed.GetRequiredValue(_traceId), parsed.GetRequiredValue(_key), parsed.GetValue(_value));
        if (value is not null == parsed.GetValue(_delete))
        {
            throw CommandException.WrongUse("give either --value or --delete");
        }

        await using var client = _tracking.Connect(parsed);
        if (value is null)
        {
            await client.DeleteTraceTagAsync(id, key, cancellationToken);
            await Console.Out.WriteLineAsync($"Deleted tag '{key}' of trace {id}");
        }
        else
        {
            await client.SetTraceTagAsync(id, key, value, cancellationToken);
            await Console.Out.WriteLineAsync($"Set tag '{key}' of trace {id}");
        }

        return 0;
    }
}
