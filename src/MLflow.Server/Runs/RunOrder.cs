namespace MLflow.Server.Runs;

/// <summary>One key of an order of runs.</summary>
internal sealed record RunOrder(RunField Field, string? Key, bool Descending)
{
    /// <summary>Reads <c>start_time DESC</c> and the like, newest first when empty, and ends in the id, which is unique.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: an item is wrong.</exception>
    public static IReadOnlyList<RunOrder> Parse(IReadOnlyList<string> orderBy)
    {
        var orders = orderBy.Select(ParseItem).DistinctBy(order => (order.Field, order.Key)).ToList();
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

    private static RunOrder ParseItem(string item)
    {
        var parts = item.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var descending = parts.Length == 2 && parts[1].Equals("DESC", StringComparison.OrdinalIgnoreCase);
        if (parts.Length is < 1 or > 2 || (parts.Length == 2 && !descending && !parts[1].Equals("ASC", StringComparison.OrdinalIgnoreCase)))
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid ordering key in order_by clause '{item}'.");
        }

        var dot = parts[0].IndexOf('.', StringComparison.Ordinal);
        var (field, key) = RunFilter.Identify(dot > 0 ? parts[0][..dot] : null, parts[0][(dot + 1)..].Trim('`', '"'));
        return field is RunField.Metric
            ? throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid order_by clause '{item}': this server does not order runs by metrics; order by attributes, tags or params.")
            : new RunOrder(field, key, descending);
    }
}
