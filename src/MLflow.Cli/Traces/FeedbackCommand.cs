using System.CommandLine;
using System.Text.Json;
using MLflow.Cli.Commands;
using MLflow.Cli.Output;
using MLflow.Cli.Tracking;

namespace MLflow.Cli.Traces;

/// <summary><c>mlflow traces feedback</c>; MLflow's own command line calls it <c>log-feedback</c>.</summary>
internal sealed class FeedbackCommand : Command
{
    private readonly TrackingOptionSet _tracking = new();
    private readonly Option<string> _traceId = TraceOptions.TraceId();
    private readonly Option<string> _name = new("--name") { Description = "What is judged, for example: helpful", DefaultValueFactory = _ => "feedback", HelpName = "NAME" };
    private readonly Option<string> _value = new("--value") { Description = "The judgement: JSON (true, 0.8, \"good\", {…}); what is no JSON is text.", HelpName = "VALUE", Required = true };
    private readonly Option<string> _sourceType = new("--source-type") { Description = "Who judges: HUMAN, LLM_JUDGE or CODE.", DefaultValueFactory = _ => "HUMAN", HelpName = "TYPE" };
    private readonly Option<string?> _sourceId = new("--source-id") { Description = "Which one: a user's id, a model's name.", HelpName = "ID" };
    private readonly Option<string?> _rationale = new("--rationale") { Description = "Why.", HelpName = "TEXT" };
    private readonly Option<string?> _metadata = new("--metadata") { Description = "More about it: an object of texts, as JSON.", HelpName = "JSON" };
    private readonly Option<string?> _spanId = new("--span-id") { Description = "Judges this span instead of the whole trace.", HelpName = "ID" };
    private readonly Option<OutputFormat> _output = OutputOption.Create();

    public FeedbackCommand()
        : base("feedback", "Says how good a trace was.")
    {
        Aliases.Add("log-feedback");
        _sourceType.AcceptOnlyFromAmong("HUMAN", "LLM_JUDGE", "CODE");
        Add(_traceId);
        Add(_name);
        Add(_value);
        Add(_sourceType);
        Add(_sourceId);
        Add(_rationale);
        Add(_metadata);
        Add(_spanId);
        Add(_output);
        _tracking.AddTo(this);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var metadata = Metadata(parsed.GetValue(_metadata));
        var type = parsed.GetValue(_sourceType) switch
        {
            "LLM_JUDGE" => AssessmentSourceType.LlmJudge,
            "CODE" => AssessmentSourceType.Code,
            _ => AssessmentSourceType.Human,
        };
        await using var client = _tracking.Connect(parsed);
        var id = parsed.GetRequiredValue(_traceId);
        var assessment = await client.LogFeedbackAsync(
            id,
            parsed.GetRequiredValue(_name),
            Value(parsed.GetRequiredValue(_value)),
            new AssessmentSource(type, parsed.GetValue(_sourceId) ?? AssessmentSource.DefaultId),
            parsed.GetValue(_rationale),
            metadata: metadata,
            spanId: parsed.GetValue(_spanId),
            cancellationToken: cancellationToken);
        if (parsed.GetValue(_output) == OutputFormat.Table)
        {
            await Console.Out.WriteLineAsync($"Logged feedback '{assessment.Name}' {assessment.AssessmentId} on trace {id}");
            return 0;
        }

        await StandardOutput.WriteJsonAsync(
            json =>
            {
                json.WriteStartObject();
                json.WriteString("trace_id", id);
                json.WriteString("assessment_id", assessment.AssessmentId);
                json.WriteEndObject();
            },
            cancellationToken);
        return 0;
    }

    private static object Value(string text)
    {
        try
        {
            return JsonElement.Parse(text) is { ValueKind: not JsonValueKind.Null } json ? json : text;
        }
        catch (JsonException)
        {
            return text;
        }
    }

    private static Dictionary<string, string>? Metadata(string? text)
    {
        try
        {
            return text is null ? null : JsonSerializer.Deserialize<Dictionary<string, string>>(text);
        }
        catch (JsonException e)
        {
            throw CommandException.WrongUse($"--metadata {text} is no object of texts, for example {{\"reviewer\":\"ada\"}}: {e.Message}");
        }
    }
}
