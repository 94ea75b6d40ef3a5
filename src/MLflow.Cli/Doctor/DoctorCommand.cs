using System.CommandLine;
using System.Runtime.CompilerServices;
using MLflow.Cli.Commands;
using MLflow.Cli.Output;
using MLflow.Cli.Tracking;

namespace MLflow.Cli.Doctor;

/// <summary><c>mlflow doctor</c>: checks the way from a client to its server.</summary>
internal sealed class DoctorCommand : Command
{
    private readonly TrackingOptionSet _tracking = new();
    private readonly Option<string?> _experimentId = Experiments.ExperimentOptions.OptionalId();
    private readonly Option<string?> _experimentName = Experiments.ExperimentOptions.OptionalName();
    private readonly Option<bool> _trialTrace = new("--trial-trace")
    {
        Description = "Also send a trace, read it back and delete it.",
    };

    private readonly Option<OutputFormat> _output = OutputOption.Create();

    public DoctorCommand()
        : base("doctor", "Checks a program's way to the tracking server, step by step, and says how to mend what is wrong.")
    {
        Add(_experimentId);
        Add(_experimentName);
        Add(_trialTrace);
        Add(_output);
        _tracking.AddTo(this);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var (uri, source) = _tracking.Read(parsed);
        var isJson = parsed.GetValue(_output) == OutputFormat.Json;
        var results = new List<CheckResult>();
        var experiment = ExperimentChoice.Read(parsed.GetValue(_experimentId), parsed.GetValue(_experimentName));
        await foreach (var result in ChecksAsync(uri, source, experiment, parsed.GetValue(_trialTrace), cancellationToken))
        {
            results.Add(result);
            if (!isJson)
            {
                await Console.Out.WriteLineAsync($"{Word(result.Outcome),-4}  {result.Check,-11} {string.Concat(result.Text.Select(c => char.IsControl(c) ? ' ' : c))}");
            }
        }

        if (isJson)
        {
            await StandardOutput.WriteJsonAsync(
                json =>
                {
                    json.WriteStartArray();
                    foreach (var result in results)
                    {
                        json.WriteStartObject();
                        json.WriteString("check", result.Check);
                        json.WriteString("outcome", Word(result.Outcome));
                        json.WriteString("text", result.Text);
                        json.WriteEndObject();
                    }

                    json.WriteEndArray();
                },
                cancellationToken);
        }

        return results.Any(result => result.Outcome == CheckOutcome.Failed) ? ExitCodes.Failed : ExitCodes.Done;
    }

    private static async IAsyncEnumerable<CheckResult> ChecksAsync(
        string uri, string source, ExperimentChoice experiment, bool withTrace, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var isFine = true;
        await foreach (var result in new WayCheck(uri, source, experiment).RunAsync(cancellationToken))
        {
            isFine &= result.Outcome != CheckOutcome.Failed;
            yield return result;
        }

        if (withTrace)
        {
            yield return isFine ? await TrialTraceCheck.RunAsync(uri, experiment, cancellationToken) : TrialTraceCheck.Skip;
        }
    }

    private static string Word(CheckOutcome outcome) => outcome switch
    {
        CheckOutcome.Ok => "ok",
        CheckOutcome.Warning => "warn",
        CheckOutcome.Failed => "FAIL",
        _ => "skip",
    };
}
