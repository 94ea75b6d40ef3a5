using MLflow.Server.Pricing;

namespace MLflow.Server.Ui.Spans;

/// <summary>What a step and all steps below it come to.</summary>
/// <param name="Steps">How many steps, itself among them.</param>
/// <param name="Errors">How many errors began in them.</param>
/// <param name="InputTokens">Of counted calls.</param>
/// <param name="OutputTokens">Of counted calls.</param>
/// <param name="Cost">Of calls whose cost is known; null where that is none.</param>
public readonly record struct SpanSums(int Steps, int Errors, long InputTokens, long OutputTokens, CallCost? Cost)
{
    public bool HasTokens => InputTokens + OutputTokens > 0;

    public static SpanSums operator +(SpanSums left, SpanSums right) => new(
        left.Steps + right.Steps,
        left.Errors + right.Errors,
        left.InputTokens + right.InputTokens,
        left.OutputTokens + right.OutputTokens,
        left.Cost is { } cost ? cost + (right.Cost ?? default) : right.Cost);
}
