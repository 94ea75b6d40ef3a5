namespace MLflow.Server.Traces.Filters;

/// <summary>One key of an order; absent values come last in either direction.</summary>
internal sealed record TraceOrder(TraceField Field, string? Key, bool Descending)
{
    /// <summary>The keys that end every order, so that no two traces are equal in it.</summary>
    private static readonly TraceOrder[] TieBreakers = [new(TraceField.RequestTime, null, true), new(TraceField.TraceId, null, false)];

    /// <summary>Reads <c>timestamp_ms DESC</c> and the like, and adds the keys that make the order unique.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: an item is wrong.</exception>
    public static IReadOnlyList<TraceOrder> Parse(IReadOnlyList<string> orderBy)
    {
        var orders = new List<TraceOrder>();
        foreach (var key in OrderKey.ParseAll(orderBy))
        {
            var order = Bind(key);
            if (orders.Exists(other => other.Field == order.Field && other.Key == order.Key))
            {
                throw Invalid("`order_by` contains duplicate fields: " + FilterError.Shown(string.Join(", ", orderBy)));
            }

            orders.Add(order);
        }

        orders.AddRange(TieBreakers.Where(tie => !orders.Exists(order => order.Field == tie.Field)));
        return orders;
    }

    private static TraceOrder Bind(OrderKey key) => key.Prefix switch
    {
        "tag" or "tags" => new TraceOrder(TraceField.Tag, key.Key, key.Descending),
        "metadata" or "request_metadata" => new TraceOrder(TraceField.Metadata, key.Key, key.Descending),
        null or "attribute" or "attributes" or "trace" => new TraceOrder(Attribute(key.Key), null, key.Descending),
        _ => throw Invalid($"Invalid identifier type '{FilterError.Shown(key.Prefix)}'"),
    };

    private static TraceField Attribute(string key) =>
        key == "experiment_id"
            ? TraceField.ExperimentId
            : TraceFilter.Attribute(key) is { } field and not TraceField.ClientRequestId
                ? field
                : throw Invalid(
                    $"Invalid attribute key '{FilterError.Shown(key)}' specified. Valid keys are '{{'experiment_id', 'timestamp', 'timestamp_ms', 'execution_time', 'execution_time_ms', 'end_time', 'end_time_ms', 'status', 'request_id', 'name', 'run_id'}}'");

    private static MlflowException Invalid(string message) => FilterError.At(message, 1);
}
