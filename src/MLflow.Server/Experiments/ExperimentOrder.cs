using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Experiments;

/// <summary>One key of an order of experiments.</summary>
internal sealed record ExperimentOrder(ExperimentField Field, bool Descending)
{
    /// <summary>Reads <c>name ASC</c> and the like, newest first when empty, and ends in the id, which is unique.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: an item is wrong.</exception>
    public static IReadOnlyList<ExperimentOrder> Parse(IReadOnlyList<string> orderBy)
    {
        var orders = OrderKey.ParseAll(orderBy).Select(Bind).DistinctBy(order => order.Field).ToList();
        if (orders.Count == 0)
        {
            orders.Add(new ExperimentOrder(ExperimentField.CreationTime, true));
        }

        if (!orders.Exists(order => order.Field == ExperimentField.ExperimentId))
        {
            orders.Add(new ExperimentOrder(ExperimentField.ExperimentId, false));
        }

        return orders;
    }

    private static ExperimentOrder Bind(OrderKey key)
    {
        if (key.Prefix is not (null or "attribute" or "attributes" or "attr"))
        {
            throw Invalid($"Invalid identifier type '{FilterError.Shown(key.Prefix)}'");
        }

        return new ExperimentOrder(key.Key switch
        {
            "name" => ExperimentField.Name,
            "experiment_id" => ExperimentField.ExperimentId,
            "creation_time" => ExperimentField.CreationTime,
            "last_update_time" => ExperimentField.LastUpdateTime,
            var other => throw Invalid(
                $"Invalid attribute key '{FilterError.Shown(other)}' specified. Valid keys are '{{'name', 'experiment_id', 'creation_time', 'last_update_time'}}'"),
        }, key.Descending);
    }

    private static MlflowException Invalid(string message) => FilterError.At(message, 1);
}
