using System.Globalization;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.TextIndex;

/// <summary>The time in which all traces began for which a filter holds, in milliseconds since 1970, both ends in it.</summary>
internal readonly record struct TextWindow(double StartMs, double EndMs)
{
    private static readonly TextWindow All = new(double.NegativeInfinity, double.PositiveInfinity);

    public static TextWindow Of(FilterTree<TraceCondition> filter) => filter.Kind switch
    {
        FilterTreeKind.Condition when filter.Condition.Field == TraceField.RequestTime => Of(filter.Condition.Operator, Convert.ToDouble(filter.Condition.Values[0], CultureInfo.InvariantCulture)),
        FilterTreeKind.All => filter.Children.Select(Of).Aggregate(All, (both, one) => new TextWindow(Math.Max(both.StartMs, one.StartMs), Math.Min(both.EndMs, one.EndMs))),
        _ => All,
    };

    public bool Meets(long fromMs, long toMs) => toMs >= StartMs && fromMs <= EndMs;

    private static TextWindow Of(FilterOperator @operator, double timeMs) => @operator switch
    {
        FilterOperator.Equal => new TextWindow(timeMs, timeMs),
        FilterOperator.Greater or FilterOperator.GreaterOrEqual => All with { StartMs = timeMs },
        FilterOperator.Less or FilterOperator.LessOrEqual => All with { EndMs = timeMs },
        _ => All,
    };
}
