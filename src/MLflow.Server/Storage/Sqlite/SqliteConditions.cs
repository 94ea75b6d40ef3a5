using System.Text.Json;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Storage.TextIndex;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Conditions in SQLite's dialect; what it cannot compare, our functions do.</summary>
internal sealed class SqliteConditions : SqlConditions
{
    private readonly SqlParameters _parameters;
    private readonly SearchFunctions _functions;
    private readonly SearchClock _clock;

    public SqliteConditions(SqlParameters parameters, SearchFunctions functions, SearchClock clock)
        : base(clock.StartMs)
    {
        _parameters = parameters;
        _functions = functions;
        _clock = clock;
    }

    // CROSS JOIN is SQLite's word for "in this order"; the expression is that of the index, and the plus takes away the column's affinity, with which it does not fit.
    public override string AssessmentsOfSession =>
        """CROSS JOIN assessments x ON json_extract(x.metadata, '$."mlflow.trace.session"') = +m.value CROSS JOIN traces o ON o.trace_id = x.trace_id""";

    public override string SpanOfTrace => "";

    public override string PayloadOfSpan => "";

    public override string Value(object? value) => _parameters.Add(value);

    public override string In(string column, IReadOnlyList<long> values) => $"{column} IN (SELECT value FROM json_each({Value(JsonSerializer.Serialize(values))}))";

    // It knows no numbers of rows.
    public override string Unindexed(string column) => "+" + column;

    public override string Sum(string left, string right) => $"({left} + {right})";

    public override string Matches(string expression, Predicate<string> predicate) => _functions.Text(predicate, expression);

    public override string Payload(TraceCondition condition) => _functions.Span(SpanMatch.Create(condition, _clock));

    public override string Guarded(TraceCondition condition, string sql) =>
        TextNeed.Of(condition) is { } need ? $"((t.text_place < 0 OR {_functions.Place(need, "t.text_place")}) AND {sql})" : sql;

    protected override string Pattern(string expression, FilterOperator @operator, string pattern) => Matches(expression, TextMatch.Create(@operator, pattern, _clock));
}
