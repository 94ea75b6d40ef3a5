using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Runs;

/// <summary>One checked condition of a search for runs; values are strings, or one number (double).</summary>
internal sealed record RunCondition(RunField Field, string? Key, FilterOperator Operator, IReadOnlyList<object> Values);
