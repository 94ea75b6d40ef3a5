using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Runs;

/// <summary>One key of an order of runs.</summary>
internal sealed record RunOrder(RunField Field, string? Key, bool Descending)
{
    /// <summary>Reads <c>start_time DESC</c> and the like, newest first when empty, and ends in the id, which is unique.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: an item is wrong.</exception>
    public static IReadOnlyList<RunOrder> Parse(IReadOnlyList<string> orderBy)
    {
        var orders = OrderKey.ParseAll(orderBy).Select(Bind).DistinctBy(order => (order.Field, order.Key)).ToList();
        if (!orders.Exists(order => order.Field == RunField.StartTime))
        {
            orders.Add(new RunOrder(RunField.StartTime, null, true));
        }

        if (!orders.Exists(order => order.Field == RunField.RunId))
        {
            orders.Add(new RunOrder(RunField.RunId, null, false));
        }

        return orders;
    }

    private static RunOrder Bind(OrderKey order)
    {
        var (field, key) = RunFilter.Identify(order.Prefix, order.Key);
        return field == RunField.Metric
            ? throw new MlflowException(
                ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid order_by clause '{FilterError.Shown($"{order.Prefix}.{order.Key}")}': this server does not order runs by metrics; order by attributes, tags or params.")
            : new RunOrder(field, key, order.Descending);
    }
}
