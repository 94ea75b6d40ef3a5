namespace MLflow.Server.Traces.Filters;

/// <summary>One checked condition of a trace search.</summary>
/// <param name="Field">What is compared.</param>
/// <param name="Key">Key of a tag or of metadata, name of an assessment.</param>
/// <param name="Operator">How.</param>
/// <param name="Values">With what: strings, or one number (long or double); none for IS NULL.</param>
internal sealed record TraceCondition(TraceField Field, string? Key, FilterOperator Operator, IReadOnlyList<object> Values);
