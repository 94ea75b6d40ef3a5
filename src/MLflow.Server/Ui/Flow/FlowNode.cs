using MLflow.Server.Ui.Spans;

namespace MLflow.Server.Ui.Flow;

/// <summary>All steps of one name, as one place that the agent came to.</summary>
/// <param name="Title">What the steps are called.</param>
/// <param name="Kind">Their kind.</param>
/// <param name="First">The first of them.</param>
public sealed record FlowNode(string Title, SpanKind Kind, SpanNode First)
{
    /// <summary>How often the agent came here.</summary>
    public int Count { get; internal set; }

    public int Errors { get; internal set; }

    /// <summary>Milliseconds of all visits together.</summary>
    public double Milliseconds { get; internal set; }

    /// <summary>Distance from the start, from 1: the row in the drawing.</summary>
    public int Row { get; internal set; }

    /// <summary>Place in its row, from 0.</summary>
    public int Column { get; internal set; }
}
