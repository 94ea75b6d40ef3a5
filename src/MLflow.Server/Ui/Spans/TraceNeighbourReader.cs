using System.Globalization;
using Microsoft.AspNetCore.WebUtilities;
using MLflow.Server.Storage;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Filters;
using MLflow.Server.Ui.List;

namespace MLflow.Server.Ui.Spans;

/// <summary>Finds a trace's neighbours in a list by the list's own query string: <c>q</c>, <c>range</c>, <c>from</c>, <c>to</c>, <c>sort</c>.</summary>
internal static class TraceNeighbourReader
{
    // A list in another order than that of a figure is read from its start.
    private const int MostRead = TraceQuery.MaxPageSize;

    // Traces of one instant stand between the trace and its neighbour.
    private const int Near = 20;

    /// <summary>The neighbours; null where the list is wrong or does not have the trace.</summary>
    public static async Task<TraceNeighbours?> ReadAsync(ITraceStore traces, TraceInfo trace, string? from, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(from))
        {
            return null;
        }

        var list = QueryHelpers.ParseQuery(from);
        var filter = TimeWindow.Of(Text("range"), Text("from"), Text("to"), now).Filter(Text("q"));
        var sort = list.TryGetValue("sort", out var given) && !string.IsNullOrWhiteSpace(given) ? given.ToString().Trim() : "timestamp_ms DESC";
        try
        {
            return await ReadAsync(traces, trace, new TraceQuery { ExperimentIds = [trace.ExperimentId], Filter = filter, OrderBy = [sort] }, cancellationToken);
        }
        catch (MlflowException e) when (e.ErrorCode == ErrorCode.INVALID_PARAMETER_VALUE)
        {
            // The list itself says what is wrong with it.
            return null;
        }

        string? Text(string name) => list.TryGetValue(name, out var text) ? text.ToString() : null;
    }

    private static async Task<TraceNeighbours?> ReadAsync(ITraceStore traces, TraceInfo trace, TraceQuery query, CancellationToken cancellationToken)
    {
        var words = query.OrderBy[0].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var isDescending = words.Length > 1 && words[1].Equals("DESC", StringComparison.OrdinalIgnoreCase);
        long? figure = words[0] switch
        {
            "timestamp_ms" or "timestamp" => trace.RequestTimeMs,
            "execution_time_ms" or "execution_time" => trace.DurationMs,
            _ => null,
        };
        var all = await traces.CountAsync(query, TraceListReader.CountLimit, cancellationToken);
        if (figure is not { } value)
        {
            var first = (await traces.SearchAsync(query with { PageSize = MostRead }, cancellationToken)).Traces;
            return Around(first, trace.TraceId) is var (before, after, place) ? new TraceNeighbours(before, after, place + 1, all, all >= TraceListReader.CountLimit) : null;
        }

        // Two short reads from the trace's own place, in both directions: the list may be very long.
        var name = words[0].StartsWith("execution", StringComparison.Ordinal) ? "execution_time_ms" : "timestamp_ms";
        string Bound(string sign) => FilterText.And(query.Filter, string.Create(CultureInfo.InvariantCulture, $"{name} {sign} {value}"));
        var down = (await traces.SearchAsync(query with { Filter = Bound(isDescending ? "<=" : ">="), PageSize = Near }, cancellationToken)).Traces;
        var up = (await traces.SearchAsync(query with { Filter = Bound(isDescending ? ">=" : "<="), OrderBy = [$"{name} {(isDescending ? "ASC" : "DESC")}"], PageSize = Near }, cancellationToken)).Traces;
        if (Around(down, trace.TraceId) is not var (same, next, index))
        {
            return null;
        }

        var above = up.Where(other => down.All(below => below.TraceId != other.TraceId)).Select(other => other.TraceId).FirstOrDefault();
        var position = await traces.CountAsync(query with { Filter = Bound(isDescending ? ">" : "<") }, TraceListReader.CountLimit, cancellationToken) + index + 1;
        return new TraceNeighbours(same ?? above, next, position < TraceListReader.CountLimit ? position : null, all, all >= TraceListReader.CountLimit);
    }

    private static (string? Before, string? After, int Index)? Around(IReadOnlyList<TraceInfo> traces, string traceId)
    {
        for (var i = 0; i < traces.Count; i++)
        {
            if (traces[i].TraceId == traceId)
            {
                return (i > 0 ? traces[i - 1].TraceId : null, i + 1 < traces.Count ? traces[i + 1].TraceId : null, i);
            }
        }

        return null;
    }
}
