namespace MLflow.Server.Ui.Flow;

/// <summary>A way from one place to another.</summary>
/// <param name="From">Null for the start.</param>
/// <param name="To">Null for the end.</param>
/// <param name="Count">How often it was taken.</param>
public sealed record FlowEdge(FlowNode? From, FlowNode? To, int Count);
