using System.Text.RegularExpressions;

namespace MLflow.Server.Traces.Filters;

/// <summary>One key of an order; absent values come last in either direction.</summary>
internal sealed partial record TraceOrder(TraceField Field, string? Key, bool Descending)
{
    /// <summary>The keys that end every order, so that no two traces are equal in it.</summary>
    private static readonly TraceOrder[] TieBreakers = [new(TraceField.RequestTime, null, true), new(TraceField.TraceId, null, false)];

    /// <summary>Reads <c>timestamp_ms DESC</c> and the like, and adds the keys that make the order unique.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: an item is wrong.</exception>
    public static IReadOnlyList<TraceOrder> Parse(IReadOnlyList<string> orderBy)
    {
        var orders = new List<TraceOrder>();
        foreach (var item in orderBy)
        {
            var order = ParseItem(item);
            if (orders.Exists(other => other.Field == order.Field && other.Key == order.Key))
            {
                throw Invalid("`order_by` contains duplicate fields: " + string.Join(", ", orderBy));
            }

            orders.Add(order);
        }

        orders.AddRange(TieBreakers.Where(tie => !orders.Exists(order => order.Field == tie.Field)));
        return orders;
    }

    private static TraceOrder ParseItem(string item)
    {
        var match = Item().Match(item);
        if (!match.Success || match.Groups["name"].Value.Length == 0)
        {
            throw Invalid(item.Contains(',', StringComparison.Ordinal)
                ? $"Invalid order_by clause '{item}'. Could not be parsed."
                : $"Invalid ordering key in order_by clause '{item}'.");
        }

        var name = match.Groups["name"].Value.Replace("`", "", StringComparison.Ordinal).Replace("\"", "", StringComparison.Ordinal);
        var descending = match.Groups["direction"].Value.Equals("DESC", StringComparison.OrdinalIgnoreCase);
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        var prefix = dot > 0 ? name[..dot] : null;
        var key = name[(dot + 1)..];
        return prefix switch
        {
            "tag" or "tags" => new TraceOrder(TraceField.Tag, key, descending),
            "metadata" or "request_metadata" => new TraceOrder(TraceField.Metadata, key, descending),
            null or "attribute" or "attributes" or "trace" => new TraceOrder(Attribute(key), null, descending),
            _ => throw Invalid($"Invalid identifier type '{prefix}'"),
        };
    }

    private static TraceField Attribute(string key) =>
        key == "experiment_id"
            ? TraceField.ExperimentId
            : TraceFilter.Attribute(key) is { } field and not TraceField.ClientRequestId
                ? field
                : throw Invalid(
                    $"Invalid attribute key '{key}' specified. Valid keys are '{{'experiment_id', 'timestamp', 'timestamp_ms', 'execution_time', 'execution_time_ms', 'end_time', 'end_time_ms', 'status', 'request_id', 'name', 'run_id'}}'");

    private static MlflowException Invalid(string message) => new(ErrorCode.INVALID_PARAMETER_VALUE, message);

    // A key may hold spaces within quotes: tags.`my key` DESC
    [GeneratedRegex("""^\s*(?<name>(?:[^\s,`"]|`[^`]*`|"[^"]*")+)(?:\s+(?<direction>ASC|DESC))?\s*$""", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Item();
}
