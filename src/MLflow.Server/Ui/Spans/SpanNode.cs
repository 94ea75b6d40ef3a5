using MLflow.Server.Ui.Formatting;

namespace MLflow.Server.Ui.Spans;

/// <summary>A span at its place in the tree.</summary>
public sealed class SpanNode
{
    internal SpanNode(SpanView span) => Span = span;

    public SpanView Span { get; internal set; }

    /// <summary>Step number, from 1, in the order of the rows: the name that answers, conversation and notes share.</summary>
    public int Number { get; internal set; }

    /// <summary>0 for a root.</summary>
    public int Depth { get; internal set; }

    public SpanNode? Parent { get; internal set; }

    public IReadOnlyList<SpanNode> Children { get; internal set; } = [];

    /// <summary>The parent's id when that parent has not arrived; the span then stands among the roots.</summary>
    public string? MissingParentId { get; internal set; }

    /// <summary>Number among the model calls of the trace, from 1; null for other spans.</summary>
    public int? ModelCall { get; internal set; }

    /// <summary>True when there is no other model call to tell it from.</summary>
    public bool IsOnlyModelCall { get; internal set; }

    /// <summary>True when the span failed by itself: no step below it reported the same error.</summary>
    public bool IsErrorOrigin { get; internal set; }

    /// <summary>Of the step and all below it.</summary>
    public SpanSums Sums { get; internal set; }

    /// <summary>True when the step only contains others: what works in its time are they.</summary>
    public bool IsBracket => Children.Count > 0 && Span.Kind is SpanKind.Agent or SpanKind.Other;

    /// <summary>An error, or a parent that is missing, is told under the row.</summary>
    public bool HasSecondLine => IsErrorOrigin || MissingParentId is not null;

    public string Id => Span.Record.SpanId;

    public bool IsLastChild => Parent is null || ReferenceEquals(Parent.Children[^1], this);

    /// <summary>Small text beside the title: <c>call 2</c>, a tool's first argument.</summary>
    public string? Detail => ModelCall is { } call && !IsOnlyModelCall ? Words.T("call {0}", call) : Span.FirstArgument;

    /// <summary>From the root's child down to the parent: whether a line runs on past this row, for each level of indentation before the last.</summary>
    public IEnumerable<bool> Guides
    {
        get
        {
            var guides = new Stack<bool>();
            for (var node = Parent; node?.Parent is not null; node = node.Parent)
            {
                guides.Push(!node.IsLastChild);
            }

            return guides;
        }
    }
}
