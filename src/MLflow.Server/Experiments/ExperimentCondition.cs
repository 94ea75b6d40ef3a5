using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Experiments;

/// <summary>One checked condition of an experiment search; the value is a string, a long or a double.</summary>
internal sealed record ExperimentCondition(ExperimentField Field, string? Key, FilterOperator Operator, object Value);
