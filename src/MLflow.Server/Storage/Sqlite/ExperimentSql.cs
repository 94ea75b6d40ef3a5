using MLflow.Server.Experiments;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Puts an experiment search into SQL over <c>experiments e</c>.</summary>
internal static class ExperimentSql
{
    public static string Where(ExperimentQuery query, IReadOnlyList<ExperimentCondition> conditions, SqlParameters parameters)
    {
        var clauses = new List<string>
        {
            (query.IncludeActive, query.IncludeDeleted) switch
            {
                (true, true) => "1",
                (true, false) => "e.is_active = 1",
                (false, true) => "e.is_active = 0",
                _ => "0",
            },
        };
        foreach (var condition in conditions)
        {
            clauses.Add(condition.Field == ExperimentField.Tag
                ? $"EXISTS (SELECT 1 FROM experiment_tags x WHERE x.experiment_id = e.experiment_id AND x.key = {parameters.Add(condition.Key)} "
                    + $"AND {SqlConditions.Compare("x.value", condition.Operator, [condition.Value], parameters)})"
                : SqlConditions.Compare(Column(condition.Field), condition.Operator, [condition.Value], parameters));
        }

        return string.Join(" AND ", clauses);
    }

    public static Keyset Keyset(IReadOnlyList<ExperimentOrder> orders) =>
        new([.. orders.Select(order => new KeysetColumn(order.Field.ToString(), Column(order.Field), order.Descending, Nullable: false))]);

    private static string Column(ExperimentField field) => field switch
    {
        ExperimentField.ExperimentId => "e.experiment_id",
        ExperimentField.Name => "e.name",
        ExperimentField.CreationTime => "e.creation_time_ms",
        ExperimentField.LastUpdateTime => "e.last_update_time_ms",
        _ => throw new ArgumentOutOfRangeException(nameof(field)),
    };
}
