using System.Globalization;
using MLflow.Server.Assessments;
using MLflow.Server.Traces;

namespace MLflow.Server.Ui.List;

/// <summary>The clause that finds traces like the one in a cell.</summary>
internal static class CellFilter
{
    private const long MinuteMs = 60_000;

    /// <summary>Equal texts, figures from this one on, and the same minute; null where the cell has nothing to filter by.</summary>
    public static string? Of(TraceRow row, ListColumn column)
    {
        var (info, facts) = (row.Info, row.Info.Facts);
        return column.Key switch
        {
            "time" => string.Create(CultureInfo.InvariantCulture, $"trace.timestamp_ms >= {info.RequestTimeMs / MinuteMs * MinuteMs} AND trace.timestamp_ms < {((info.RequestTimeMs / MinuteMs) + 1) * MinuteMs}"),
            ListColumn.State => Equal("trace.status", null, info.IsInterrupted ? "INTERRUPTED" : info.State switch { TraceState.Error => "ERROR", TraceState.InProgress => "IN_PROGRESS", _ => "OK" }),
            "name" => Equal("trace.name", null, row.Name),
            "latency" => From("trace.execution_time_ms", info.DurationMs),
            "tokens" => From("trace.tokens", facts.TotalTokens),
            "cost" => facts.Cost is { } cost ? From("trace.cost", cost.Usd) : null,
            "first" => From("trace.first_token_ms", facts.FirstTokenMs),
            "model" => Equal("span.attributes.", AttributeNames.Model, row.Model),
            "user" => Equal("metadata.", TraceKeys.User, row.User),
            "session" => Equal("metadata.", TraceKeys.Session, row.Cell(column)),
            "trace" => Equal("trace.request_id", null, info.TraceId),
            _ when column.OwnKey is { } key => column.Key[0] switch
            {
                't' => Equal("tags.", key, row.Cell(column)),
                'm' => Equal("metadata.", key, row.Cell(column)),
                'e' => Equal("expectation.", key, Assessed(info, AssessmentType.Expectation, key)),
                _ => Equal("feedback.", key, Assessed(info, AssessmentType.Feedback, key)),
            },
            "feedback" when row.Feedback is { } feedback => Equal("feedback.", feedback.Name, Assessed(info, AssessmentType.Feedback, feedback.Name)),
            _ => null,
        };
    }

    private static string? Equal(string field, string? key, string? value) => value is null ? null : FilterClauseText.Write(FilterField.All.First(each => each.Text == field), key, "=", value);

    private static string? From(string field, IFormattable? figure) => figure is null ? null : $"{field} >= {figure.ToString(null, CultureInfo.InvariantCulture)}";

    // Values are JSON; a text matches without its quotes.
    private static string? Assessed(TraceInfo info, AssessmentType type, string name) =>
        info.Assessments.LastOrDefault(assessment => assessment.IsValid && assessment.Type == type && assessment.Name == name) is { } found ? StoredJson.String(found.Value) ?? found.Value : null;
}
