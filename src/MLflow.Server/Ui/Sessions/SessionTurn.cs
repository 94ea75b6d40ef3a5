using System.Globalization;
using MLflow.Server.Assessments;
using MLflow.Server.Traces;
using MLflow.Server.Ui.Chat;
using MLflow.Server.Ui.Formatting;
using MLflow.Server.Ui.List;
using MLflow.Server.Ui.Spans;

namespace MLflow.Server.Ui.Sessions;

/// <summary>One trace of a session, as the conversation reads it.</summary>
public sealed class SessionTurn
{
    private const int LongestAnswer = 4000;
    private const int MostTools = 8;

    /// <summary>Reads a turn as of a time.</summary>
    /// <param name="number">From 1.</param>
    /// <param name="info">The trace.</param>
    /// <param name="spans">Its spans.</param>
    /// <param name="before">The trace before it, or null.</param>
    /// <param name="now">The time.</param>
    public SessionTurn(int number, TraceInfo info, IReadOnlyList<SpanRecord> spans, TraceInfo? before, DateTimeOffset now)
    {
        Number = number;
        Row = new TraceRow(info, now);
        Tree = SpanTree.Build(spans);
        Time = DateTimeOffset.FromUnixTimeMilliseconds(info.RequestTimeMs).ToString("HH:mm:ss", CultureInfo.InvariantCulture);
        Gap = before is null ? "" : GapText(info.RequestTimeMs - before.RequestTimeMs - (before.DurationMs ?? 0));
        Answer = PreviewText.Cut(FindAnswer(), LongestAnswer);
        AnswerLang = Language.Of(Answer);
    }

    /// <summary>The name that answers and rows share.</summary>
    public int Number { get; }

    public TraceRow Row { get; }

    public SpanTree Tree { get; }

    /// <summary>UTC.</summary>
    public string Time { get; }

    /// <summary>How long the person took since the answer before: <c>+1:45</c>. Empty for the first turn.</summary>
    public string Gap { get; }

    /// <summary>Markdown.</summary>
    public string Answer { get; }

    public string? AnswerLang { get; }

    public bool IsFailed => Row.Mark is StateMark.Failed or StateMark.Cut;

    /// <summary>Tools and look-ups, in order.</summary>
    public IEnumerable<SpanNode> Tools => Tree.Rows.Where(node => node.Span.Kind is SpanKind.Tool or SpanKind.Retriever).Take(MostTools);

    /// <summary>How many more tools there were.</summary>
    public int MoreTools => Math.Max(0, Tree.Rows.Count(node => node.Span.Kind is SpanKind.Tool or SpanKind.Retriever) - MostTools);

    /// <summary>The step that failed first, or null.</summary>
    public SpanNode? Failure => IsFailed && Tree.ErrorOrigins.Count > 0 ? Tree.ErrorOrigins[0] : null;

    public IEnumerable<AssessmentRecord> Feedback => Row.Info.Assessments.Where(assessment => assessment.IsValid && assessment.Type == AssessmentType.Feedback);

    private static string GapText(long ms)
    {
        var gap = TimeSpan.FromMilliseconds(Math.Max(0, ms));
        return gap.TotalDays >= 1 ? string.Create(CultureInfo.InvariantCulture, $"+{(int)gap.TotalDays} d {gap.Hours} h")
            : gap.TotalHours >= 1 ? gap.ToString("'+'h':'mm':'ss", CultureInfo.InvariantCulture)
            : gap.ToString("'+'m':'ss", CultureInfo.InvariantCulture);
    }

    // The whole answer of the last model call; previews are cut.
    private string FindAnswer()
    {
        var last = Tree.ModelCalls is [.., var call] ? call : null;
        var said = last is null ? null : MessageReader.Outputs(last.Span.Outputs)?.Select(message => message.Text).LastOrDefault(text => text.Length > 0);
        return said ?? Row.Response;
    }
}
