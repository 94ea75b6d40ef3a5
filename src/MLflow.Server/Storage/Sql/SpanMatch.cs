using System.Globalization;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Sql;

/// <summary>Conditions on what stands in a span's payload.</summary>
internal static class SpanMatch
{
    public static Predicate<SpanContent> Create(TraceCondition condition, SearchClock clock)
    {
        if (condition.Field == TraceField.SpanAttribute)
        {
            return Attribute(condition, clock);
        }

        var matches = Text(condition, clock);
        return condition.Field == TraceField.Text ? span => matches(span.Text) : span => matches(span.Json);
    }

    private static Predicate<string> Text(TraceCondition condition, SearchClock clock) => TextMatch.Create(condition.Operator, (string)condition.Values[0], clock);

    private static Predicate<SpanContent> Attribute(TraceCondition condition, SearchClock clock)
    {
        var key = condition.Key!;
        if (condition.Operator == FilterOperator.IsNull)
        {
            return span => span.Span[key] is null;
        }

        var matches = Value(condition, clock);
        return span => span.Span[key] is { } json && matches(StoredJson.Readable(json));
    }

    /// <summary>What an attribute's JSON must be. A string is compared with its quotes and without, a number as a number too.</summary>
    private static Predicate<string> Value(TraceCondition condition, SearchClock clock)
    {
        var values = condition.Values;
        switch (condition.Operator)
        {
            case FilterOperator.IsNotNull:
                return _ => true;
            case FilterOperator.Equal or FilterOperator.In:
                return json => values.Any(value => IsEqual(json, (string)value));
            case FilterOperator.NotEqual or FilterOperator.NotIn:
                return json => !values.Any(value => IsEqual(json, (string)value));
            case FilterOperator.Like or FilterOperator.ILike or FilterOperator.RLike:
                var matches = Text(condition, clock);
                return json => matches(json) || (StoredJson.String(json) is { } text && matches(text));
        }

        var limit = Convert.ToDouble(values[0], CultureInfo.InvariantCulture);
        return json => Number(json) is { } number && condition.Operator switch
        {
            FilterOperator.Greater => number > limit,
            FilterOperator.GreaterOrEqual => number >= limit,
            FilterOperator.Less => number < limit,
            _ => number <= limit,
        };
    }

    private static bool IsEqual(string json, string value) =>
        json == value || StoredJson.String(json) == value || (Number(json) is { } number && Number(value) == number);

    /// <summary>Whether a value is compared as a number too.</summary>
    public static bool IsNumber(string value) => Number(value) is not null;

    private static double? Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;
}
