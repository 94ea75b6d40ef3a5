using System.Globalization;
using MLflow.Server.Storage.Sql;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Figures in PostgreSQL's dialect: of double precision, so that no sum is beyond its type.</summary>
internal sealed class PostgresFigures : SqlFigures
{
    // The difference is beyond 64 bits where clocks are far off, and neither time alone fits into a double.
    private const string Duration = "(s.end_ns::numeric - s.start_ns)";

    private readonly PostgresParameters _parameters = new();

    public IReadOnlyList<PostgresValue> Values => _parameters.Values;

    public override string SpanOfTrace => "s.trace_id = t.trace_id AND s.bucket = t.bucket";

    public override string SpanNs => Number(Duration);

    public override string SpanMs => $"trunc({Duration} / 1000000)";

    public override string Value(object value) => _parameters.Add(value);

    public override string In(string column, IReadOnlyList<long> values) => $"{column} = ANY({Value(values.ToArray())})";

    public override string Number(string expression) => $"({expression})::double precision";

    public override string Sum(string expression, string? condition = null) => $"COALESCE(SUM({Number(expression)}){Filter(condition)}, 0)";

    public override string Percentile(string expression, double percentile) =>
        string.Create(CultureInfo.InvariantCulture, $"percentile_cont({percentile / 100:R}) WITHIN GROUP (ORDER BY {Number(expression)})");

    public override string JsonNumber(string expression, string name) => $"mlflow_json_number({expression}, '{name}')";
}
