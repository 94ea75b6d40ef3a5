using MLflow.Server.Assessments;
using MLflow.Server.Traces;
using MLflow.Server.Ui.Formatting;
using MLflow.Server.Ui.Sessions;
using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.List;

/// <summary>A trace as a row of the list reads it. Reads no span.</summary>
public sealed class TraceRow
{
    private const int Longest = 400;

    /// <summary>Reads a trace as of a time.</summary>
    public TraceRow(TraceInfo info, DateTimeOffset now)
    {
        Info = info;
        Mark = MarkOf(info);
        var request = PreviewText.Request(info.RequestPreview ?? info.Metadata.GetValueOrDefault(TraceKeys.Inputs));
        Request = PreviewText.Cut(request.Length > 0 ? request : Name ?? info.TraceId, Longest);
        RequestLang = Language.Of(Request);
        Response = PreviewText.Cut(PreviewText.Response(info.ResponsePreview ?? info.Metadata.GetValueOrDefault(TraceKeys.Outputs)), Longest);
        ResponseLang = Language.Of(Response);
        Time = Figures.ShortTime(info.RequestTimeMs, now);
        LatencyMs = Mark == StateMark.Running ? Math.Max(info.DurationMs ?? 0, now.ToUnixTimeMilliseconds() - info.RequestTimeMs) : info.DurationMs;
    }

    public TraceInfo Info { get; }

    public StateMark Mark { get; }

    public string Request { get; }

    public string? RequestLang { get; }

    public string Response { get; }

    public string? ResponseLang { get; }

    /// <summary>UTC.</summary>
    public string Time { get; }

    /// <summary>Milliseconds; so far for a running trace; null where no end is known.</summary>
    public double? LatencyMs { get; }

    public string? Name => Info.Facts.Name ?? Info.Tags.GetValueOrDefault(TraceKeys.TraceName);

    public string? Model => Info.Facts.Model;

    /// <summary>The user of the app when it told, otherwise nothing: whoever ran the process is not the user.</summary>
    public string? User => Info.Metadata.GetValueOrDefault(TraceKeys.User);

    /// <summary>The exception, which takes the response's place.</summary>
    public string? Error => Mark != StateMark.Failed ? null
        : Info.Facts is { ErrorType: null, ErrorMessage: null } ? T("failed without a message")
        : PreviewText.Cut(new Spans.SpanError(Info.Facts.ErrorType, Info.Facts.ErrorMessage ?? "", null, null).Line, Longest);

    /// <summary>Words before the response when something differs, or null.</summary>
    public string? Words => Mark switch
    {
        StateMark.Running => T("running"),
        StateMark.Stopped => Info.Facts.OutputTokens is { } tokens ? T("stopped by the app after {0}", Figures.Plural(tokens, "token")) : T("stopped by the app"),
        StateMark.Cut => Info.Facts.OutputTokens is { } tokens ? T("cut by the server after {0}", Figures.Plural(tokens, "token")) : T("cut by the server"),
        StateMark.Interrupted => T("interrupted: no end was received"),
        StateMark.Waiting => T("waiting for {0}", Figures.Plural(Missing(Info), "span")),
        _ => null,
    };

    public bool HasTokens => Info.Facts.InputTokens is not null || Info.Facts.OutputTokens is not null;

    /// <summary>With a plus where a part of it is not known; nothing where none is.</summary>
    public string Cost => Info.Facts.Cost is { } cost ? Figures.Usd(cost.Usd) + (Info.Facts.UnpricedCalls > 0 ? "+" : "") : "";

    public string? CostTitle => Info.Facts.UnpricedCalls switch
    {
        0 => null,
        var calls when Info.Facts.Cost is null => T("the price of {0} is not known", Figures.Plural(calls, "call")),
        var calls => T("without {0} whose price is not known", Figures.Plural(calls, "call")),
    };

    /// <summary>The last feedback that holds; a no goes before a yes.</summary>
    public RowFeedback? Feedback => Info.Assessments
        .Where(assessment => assessment is { IsValid: true, Type: AssessmentType.Feedback, Error: null })
        .OrderBy(FeedbackText.IsBad).ThenBy(assessment => assessment.LastUpdateTimeMs)
        .Select(assessment => new RowFeedback(assessment.Name, FeedbackText.Of(assessment), FeedbackText.IsBad(assessment)))
        .LastOrDefault();

    /// <summary>What stands in a column of text; null where there is nothing.</summary>
    public string? Cell(ListColumn column) => column.Key switch
    {
        "first" => Info.Facts.FirstTokenMs is { } first ? Figures.TraceDuration(first) : null,
        "model" => Model,
        "user" => User,
        "session" => Info.Metadata.GetValueOrDefault(TraceKeys.Session),
        "trace" => Info.TraceId,
        _ when column.OwnKey is { } key => column.Key[0] switch
        {
            't' => Info.Tags.GetValueOrDefault(key),
            'm' => Info.Metadata.GetValueOrDefault(key),
            var kind => Assessed(kind == 'e' ? AssessmentType.Expectation : AssessmentType.Feedback, key),
        },
        _ => null,
    };

    private string? Assessed(AssessmentType type, string name) =>
        Info.Assessments.LastOrDefault(assessment => assessment.IsValid && assessment.Type == type && assessment.Name == name) is { } found ? FeedbackText.Of(found) : null;

    /// <summary>The mark of a trace.</summary>
    public static StateMark MarkOf(TraceInfo info)
    {
        if (info.State == TraceState.Error)
        {
            return StateMark.Failed;
        }

        if (info.IsInterrupted)
        {
            return StateMark.Interrupted;
        }

        if (info.Facts.StreamEnd is { } end)
        {
            return StreamEnds.IsCut(end) ? StateMark.Cut : StateMark.Stopped;
        }

        if (info.State == TraceState.InProgress)
        {
            return StateMark.Running;
        }

        return Missing(info) > 0 ? StateMark.Waiting : StateMark.None;
    }

    private static int Missing(TraceInfo info) => (info.Facts.AnnouncedSpanCount ?? 0) - info.Facts.SpanCount;
}
