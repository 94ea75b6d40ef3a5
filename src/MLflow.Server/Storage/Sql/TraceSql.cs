using System.Globalization;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Sql;

/// <summary>Puts a trace search into SQL over <c>traces t</c>.</summary>
internal sealed class TraceSql
{
    private const int MaxListedExperiments = 500;

    /// <summary>What filters and orders see in place of IN_PROGRESS.</summary>
    private const string InterruptedState = "INTERRUPTED";

    private readonly SqlConditions _conditions;

    public TraceSql(SqlConditions conditions) => _conditions = conditions;

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: a page cannot be of that size.</exception>
    public static void RequirePageSize(TraceQuery query)
    {
        if (query.PageSize is < 1 or > TraceQuery.MaxPageSize)
        {
            throw new MlflowException(
                ErrorCode.INVALID_PARAMETER_VALUE,
                $"Invalid value {query.PageSize} for parameter 'max_results' supplied:  Hint: Value was of type 'int'. It must be 1 to {TraceQuery.MaxPageSize}. See the API docs for more information about request parameters.");
        }
    }

    /// <param name="query">Names the experiments.</param>
    /// <param name="filter">What must hold.</param>
    /// <param name="few">A condition for which an index finds few traces, to begin from there; null where there is none.</param>
    public string Where(TraceQuery query, FilterTree<TraceCondition> filter, string? few = null)
    {
        // SQLite would walk through the experiment even where a condition names a few traces.
        var column = few is not null || NamesFew(filter) ? _conditions.Unindexed("t.experiment_id") : "t.experiment_id";
        return $"{Experiments(column, query)} AND {(few is null ? "" : few + " AND ")}{new TraceFilterSql(_conditions).Where(filter)}";
    }

    /// <summary>Whether a trace is interrupted (<see cref="TraceInfo.IsInterrupted"/>) at a time in milliseconds. A difference, as sums may be beyond 64 bits.</summary>
    public static string Interrupted(string nowMs) => string.Create(
        CultureInfo.InvariantCulture, $"(t.state = 'IN_PROGRESS' AND COALESCE(t.last_seen_ms, t.request_time_ms) < {nowMs} - COALESCE(t.lease_ms, {ITraceStore.SilenceMs}))");

    public Keyset Keyset(IReadOnlyList<TraceOrder> orders) => new([.. orders.Select(order => new KeysetColumn(
        order.Key is null ? order.Field.ToString() : $"{order.Field}.{order.Key}",
        Expression(order.Field, order.Key, _conditions),
        order.Descending,
        order.Field is not (TraceField.RequestTime or TraceField.TraceId or TraceField.ExperimentId or TraceField.State)))]);

    /// <summary>The value of a field of which a trace has one at most.</summary>
    public static string Expression(TraceField field, string? key, SqlConditions conditions) => field switch
    {
        TraceField.RequestTime => "t.request_time_ms",
        TraceField.Duration => "t.duration_ms",
        TraceField.EndTime => conditions.Sum("t.request_time_ms", "t.duration_ms"),
        TraceField.State => $"CASE WHEN {Interrupted(conditions.Value(conditions.NowMs))} THEN '{InterruptedState}' ELSE t.state END",
        TraceField.Cost => "t.total_cost",
        TraceField.Tokens => "t.total_tokens",
        TraceField.FirstToken => "t.first_token_ms",
        TraceField.TraceId => "t.trace_id",
        TraceField.ExperimentId => "t.experiment_id",
        TraceField.ClientRequestId => "t.client_request_id",
        TraceField.Name =>
            $"COALESCE((SELECT value FROM trace_tags x WHERE x.trace_id = t.trace_id AND x.key = {conditions.Value(TraceKeys.TraceName)}), t.root_name)",
        TraceField.RunId => $"(SELECT value FROM trace_metadata x WHERE x.trace_id = t.trace_id AND x.key = {conditions.Value(TraceKeys.SourceRun)})",
        TraceField.Tag => $"(SELECT value FROM trace_tags x WHERE x.trace_id = t.trace_id AND x.key = {conditions.Value(key)})",
        TraceField.Metadata => $"(SELECT value FROM trace_metadata x WHERE x.trace_id = t.trace_id AND x.key = {conditions.Value(key)})",
        _ => throw new ArgumentOutOfRangeException(nameof(field)),
    };

    // A statement has a bounded number of parameters; a list of values lets the index give the order, a table does not.
    private string Experiments(string column, TraceQuery query) =>
        query.ExperimentIds.Count <= MaxListedExperiments
            ? $"{column} IN ({string.Join(", ", query.ExperimentIds.Select(id => _conditions.Value(id)))})"
            : _conditions.In(column, query.ExperimentIds);

    /// <summary>Whether an index finds what holds, and it is what one caller made.</summary>
    public static bool NamesFew(FilterTree<TraceCondition> filter) => filter.Kind == FilterTreeKind.All ? filter.Children.Any(IsOfFew) : IsOfFew(filter);

    private static bool IsOfFew(FilterTree<TraceCondition> tree) => tree is
    {
        Kind: FilterTreeKind.Condition,
        Condition: { Operator: FilterOperator.Equal, Field: TraceField.TraceId or TraceField.ClientRequestId or TraceField.RunId }
            or { Operator: FilterOperator.In, Field: TraceField.TraceId or TraceField.ClientRequestId }
            or { Operator: FilterOperator.Equal, Field: TraceField.Metadata, Key: TraceKeys.Session },
    };
}
