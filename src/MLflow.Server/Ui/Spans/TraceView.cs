using MLflow.Server.Traces;
using MLflow.Server.Ui.Formatting;
using MLflow.Server.Ui.List;
using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.Spans;

/// <summary>A trace as its page reads it.</summary>
public sealed class TraceView
{
    private const int TitleLength = 300;
    private string? _zoom;
    private Timeline? _zoomed;

    public TraceView(TraceInfo info, IReadOnlyList<SpanRecord> spans, DateTimeOffset now)
        : this(info, SpanTree.Build(spans), now)
    {
    }

    public TraceView(TraceInfo info, SpanTree tree, DateTimeOffset now)
    {
        Info = info;
        Tree = tree;
        Mark = TraceRow.MarkOf(info);
        if (Mark == StateMark.Running)
        {
            Tree.RunUntil(now);
        }

        Timeline = Timeline.Of(Tree);
        Answers = FourAnswers.Of(Tree);
        Title = PreviewText.Cut(FindTitle(), TitleLength);
        TitleLang = Language.Of(Title);
    }

    public TraceInfo Info { get; }

    public SpanTree Tree { get; }

    public Timeline Timeline { get; }

    /// <summary>Whether any call was tried more than once, as far as contents have been read.</summary>
    public bool HasRetries => Tree.ModelCalls.Any(node => node.Span.Attempts.Count > 1);

    public IReadOnlyList<Answer> Answers { get; }

    public StateMark Mark { get; }

    /// <summary>The user's question: that is what people recognise.</summary>
    public string Title { get; }

    public string? TitleLang { get; }

    public string? Name => Info.Facts.Name ?? Info.Tags.GetValueOrDefault(TraceKeys.TraceName) ?? (Tree.Roots.Count > 0 ? Tree.Roots[0].Span.Record.Name : null);

    /// <summary>Spans that the client announced and that have not come.</summary>
    public int MissingSpans => Math.Max(0, (Info.Facts.AnnouncedSpanCount ?? 0) - Tree.Rows.Count);

    /// <summary>The state in one word or two.</summary>
    public string State => Mark switch
    {
        StateMark.Failed => T("Failed"),
        StateMark.Running => T("Running"),
        StateMark.Stopped => T("Stopped by the app"),
        StateMark.Cut => T("Cut by the server"),
        StateMark.Interrupted => T("Interrupted: no end was received"),
        StateMark.Waiting => MissingSpans == 1 ? T("Waiting for 1 span") : T("Waiting for {0} spans", Figures.Count(MissingSpans)),
        _ => T("Finished"),
    };

    /// <summary>The surface with the part of the time that an address names; the last one is kept, so that its rows stay as they are.</summary>
    public Timeline TimelineOf(string? zoom)
    {
        if (zoom != _zoom)
        {
            (_zoom, _zoomed) = (zoom, Timeline.Zoomed(zoom));
        }

        return _zoomed ?? Timeline;
    }

    /// <summary>Tags that people gave; MLflow's own are not news.</summary>
    public IEnumerable<KeyValuePair<string, string>> OwnTags => Info.Tags.Where(tag => !tag.Key.StartsWith("mlflow.", StringComparison.Ordinal)).OrderBy(tag => tag.Key, StringComparer.Ordinal);

    /// <summary>What the pane shows when the address names no span: where it broke, else the last model call, else the first root.</summary>
    public SpanNode? Default =>
        Tree.Roots.Any(root => root.Span.IsFailed) && Tree.ErrorOrigins.Count > 0 ? Tree.ErrorOrigins[^1]
        : Tree.ModelCalls.Count > 0 ? Tree.ModelCalls[^1]
        : Tree.Rows.Count > 0 ? Tree.Rows[0] : null;

    private string FindTitle()
    {
        var sources = Tree.Roots.Select(root => PreviewText.Find(root.Span.Inputs, "user"))
            .Append(PreviewText.Request(Info.RequestPreview ?? Info.Metadata.GetValueOrDefault(TraceKeys.Inputs)))
            .Append(Tree.ModelCalls.Count > 0 ? PreviewText.Find(Tree.ModelCalls[0].Span.Inputs, "user") : null)
            .Append(Name);
        return sources.FirstOrDefault(text => !string.IsNullOrWhiteSpace(text))?.ReplaceLineEndings(" ").Trim() ?? Info.TraceId;
    }
}
