namespace MLflow.Server.Experiments;

/// <summary>One key of an order of experiments.</summary>
internal sealed record ExperimentOrder(ExperimentField Field, bool Descending)
{
    /// <summary>Reads <c>name ASC</c> and the like, newest first when empty, and ends in the id, which is unique.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: an item is wrong.</exception>
    public static IReadOnlyList<ExperimentOrder> Parse(IReadOnlyList<string> orderBy)
    {
        var orders = orderBy.Select(ParseItem).DistinctBy(order => order.Field).ToList();
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

    private static ExperimentOrder ParseItem(string item)
    {
        var parts = item.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var descending = parts.Length == 2 && parts[1].Equals("DESC", StringComparison.OrdinalIgnoreCase);
        if (parts.Length is < 1 or > 2 || (parts.Length == 2 && !descending && !parts[1].Equals("ASC", StringComparison.OrdinalIgnoreCase)))
        {
            throw Invalid($"Invalid ordering key in order_by clause '{item}'.");
        }

        var dot = parts[0].IndexOf('.', StringComparison.Ordinal);
        if (dot > 0 && parts[0][..dot] is not ("attribute" or "attributes" or "attr"))
        {
            throw Invalid($"Invalid identifier type '{parts[0][..dot]}'");
        }

        return new ExperimentOrder(parts[0][(dot + 1)..] switch
        {
            "name" => ExperimentField.Name,
            "experiment_id" => ExperimentField.ExperimentId,
            "creation_time" => ExperimentField.CreationTime,
            "last_update_time" => ExperimentField.LastUpdateTime,
            var key => throw Invalid($"Invalid attribute key '{key}' specified. Valid keys are '{{'name', 'experiment_id', 'creation_time', 'last_update_time'}}'"),
        }, descending);
    }

    private static MlflowException Invalid(string message) => new(ErrorCode.INVALID_PARAMETER_VALUE, message);
}
