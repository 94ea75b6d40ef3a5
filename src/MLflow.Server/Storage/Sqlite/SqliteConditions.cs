using System.Text.Json;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Storage.TextIndex;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Conditions in SQLite's dialect; what it cannot compare, our functions do.</summary>
internal sealed class SqliteConditions : SqlConditions
{
    private static readonly string[] UnindexedKeys =
    [
        TraceKeys.TokenUsage, TraceKeys.Cost, TraceKeys.SizeStats, TraceKeys.SizeBytes, TraceKeys.Inputs, TraceKeys.Outputs, TraceKeys.Session, TraceKeys.SourceRun, TraceKeys.User,
        TraceKeys.SchemaVersion, TraceKeys.SourceType, TraceKeys.GitRepoUrl, TraceKeys.InfoFinalized,
    ];

    private readonly SqlParameters _parameters;
    private readonly SearchFunctions _functions;
    private readonly SearchClock _clock;

    public SqliteConditions(SqlParameters parameters, SearchFunctions functions, SearchClock clock)
        : base(clock.StartMs, [TraceKeys.Session, TraceKeys.SourceRun, TraceKeys.User], UnindexedKeys)
    {
        _parameters = parameters;
        _functions = functions;
        _clock = clock;
    }

    // CROSS JOIN is SQLite's word for "in this order"; the expression is that of the index, and the plus takes away the column's affinity, with which it does not fit.
    public override string AssessmentsOfSession =>
        """CROSS JOIN assessments x ON json_extract(x.metadata, '$."mlflow.trace.session"') = +m.value CROSS JOIN traces o ON o.trace_id = x.trace_id""";

    public override string SessionOfAssessment =>
        $$"""CROSS JOIN trace_metadata m ON m.key = '{{TraceKeys.Session}}' AND m.value = json_extract(x.metadata, '$."{{TraceKeys.Session}}"')""";

    /// <summary>Whether the text index is asked about each trace before its text is looked at; of a few traces the text is there sooner.</summary>
    public bool IsGuarded { get; set; } = true;

    public override string SpanOfTrace => "";

    public override string PayloadOfSpan => "";

    public override string Value(object? value) => _parameters.Add(value);

    public override string In(string column, IReadOnlyList<long> values) => $"{column} IN (SELECT value FROM json_each({Value(JsonSerializer.Serialize(values))}))";

    public override string In(string column, IReadOnlyCollection<string> values) => $"{column} IN (SELECT value FROM json_each({Value(JsonSerializer.Serialize(values))}))";

    public override string Beginning(string expression) => $"substr({expression}, 1, 100)";

    // It knows no numbers of rows.
    public override string Unindexed(string column) => "+" + column;

    public override string Sum(string left, string right) => $"({left} + {right})";

    public override string Matches(string expression, Predicate<string> predicate) => _functions.Text(predicate, expression);

    public override string Payload(TraceCondition condition) => _functions.Span(SpanMatch.Create(condition, _clock));

    public override string Guarded(TraceCondition condition, string sql) =>
        IsGuarded && TextNeed.Of(condition) is { } need ? $"((t.text_place < 0 OR {_functions.Place(need, "t.text_place")}) AND {sql})" : sql;

    protected override string Pattern(string expression, FilterOperator @operator, string pattern) => Matches(expression, TextMatch.Create(@operator, pattern, _clock));
}
