using System.Globalization;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Postgres;

/// <summary>
/// Conditions in PostgreSQL's dialect, for rows that may match: it has no function of ours, so <see cref="CandidateFilter{T}"/> looks at them once more where it must.
/// </summary>
internal sealed class PostgresConditions : SqlConditions
{
    /// <summary>Characters of a text that an index takes.</summary>
    private const int Indexed = 100;

    private static readonly string[] UnindexedKeys =
    [
        TraceKeys.TokenUsage, TraceKeys.Cost, TraceKeys.SizeStats, TraceKeys.Inputs, TraceKeys.Outputs, TraceKeys.Session, TraceKeys.SourceRun,
    ];

    private readonly PostgresParameters _parameters;

    public PostgresConditions(PostgresParameters parameters, SearchClock clock)
        : base(clock.StartMs, [TraceKeys.Session, TraceKeys.SourceRun], UnindexedKeys) => _parameters = parameters;

    public override string AssessmentsOfSession => "JOIN assessments x ON x.session = m.value JOIN traces o ON o.trace_id = x.trace_id";

    public override string SessionOfAssessment => $"JOIN trace_metadata m ON m.key = '{TraceKeys.Session}' AND m.value = x.session";

    public override string SpanOfTrace => " AND s.bucket = t.bucket";

    public override string PayloadOfSpan => " AND p.bucket = s.bucket";

    // An index takes the beginning of a value: one as long as it likes would not fit. A shorter one is compared by it alone, as the planner takes two conditions for
    // independent: it would think that a tenth of the traces are a hundredth, and start further processes for what is found at once.
    public override string ComparePair(string expression, FilterOperator @operator, IReadOnlyList<object> values)
    {
        if (@operator != FilterOperator.Equal)
        {
            return Compare(expression, @operator, values);
        }

        return PostgresText.Encode((string)values[0]).Length < Indexed
            ? $"{Beginning(expression)} = {Value(values[0])}"
            : $"{Beginning(expression)} = {Beginning(Value(values[0]))} AND {Compare(expression, @operator, values)}";
    }

    // The index over those that are not OK does not know what is interrupted.
    public override string CompareState(string expression, FilterOperator @operator, IReadOnlyList<object> values) => @operator == FilterOperator.Equal && values[0] is "OK" or "ERROR"
        ? Compare("t.state", @operator, values)
        : Compare(expression, @operator, values);

    public override string Value(object? value) => _parameters.Add(value);

    public override string In(string column, IReadOnlyList<long> values) => $"{column} = ANY({Value(values.ToArray())})";

    public override string In(string column, IReadOnlyCollection<string> values) => $"{column} = ANY({Value(values.ToArray())})";

    public override string Beginning(string expression) => string.Create(CultureInfo.InvariantCulture, $"left({expression}, {Indexed})");

    public override string Unindexed(string column) => column;

    // Beyond 64 bits is an error, and LEAST and GREATEST pass over what is absent.
    public override string Sum(string left, string right) => $"(CASE WHEN {right} IS NOT NULL THEN LEAST(GREATEST({left}::numeric + {right}, {long.MinValue}), {long.MaxValue})::bigint END)";

    public override string Matches(string expression, Predicate<string> predicate) => throw NotInSql();

    public override string Payload(TraceCondition condition) => throw NotInSql();

    // Where U+0000 stands for two characters, one _ does not take it; a % takes both.
    protected override string Pattern(string expression, FilterOperator @operator, string pattern) => @operator == FilterOperator.Like
        ? $"{expression} LIKE {Value(pattern.Replace('_', '%'))} ESCAPE ''"
        : throw NotInSql();

    private static InvalidOperationException NotInSql() => new("CandidateFilter leaves this condition out of the SQL.");
}
