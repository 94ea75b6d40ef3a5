using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using MLflow.Server.Storage.Sql;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Figures in SQLite's dialect. An integer that leaves 64 bits becomes a real by itself, but in SUM, which fails: TOTAL does not.</summary>
internal sealed class SqliteFigures : SqlFigures
{
    private const string PercentileFunction = "mlflow_percentile";

    private readonly SqlParameters _parameters = new();

    public override string SpanOfTrace => "s.trace_id = t.trace_id";

    public override string SpanNs => "(s.end_ns - s.start_ns)";

    public override string SpanMs => $"{SpanNs} / 1000000";

    public override string Value(object value) => _parameters.Add(value);

    public override string In(string column, IReadOnlyList<long> values) => $"{column} IN (SELECT value FROM json_each({Value(JsonSerializer.Serialize(values))}))";

    public override string Number(string expression) => expression;

    public override string Sum(string expression, string? condition = null) => $"TOTAL({expression}){Filter(condition)}";

    public override string Percentile(string expression, double percentile) =>
        string.Create(CultureInfo.InvariantCulture, $"{PercentileFunction}({expression}, {percentile:R}) FILTER (WHERE {expression} IS NOT NULL)");

    public override string JsonNumber(string expression, string name) => $"CASE WHEN json_valid({expression}) THEN {expression} ->> '$.{name}' END";

    /// <summary>Gives a connection what the SQL needs.</summary>
    public static void Register(SqliteConnection connection) => connection.CreateAggregate<double, double, PercentileValues?, double?>(
        PercentileFunction, null, (values, value, percentile) => (values ?? new PercentileValues(percentile)).Add(value), values => values?.Result(), isDeterministic: true);

    public void Bind(SqliteCommand command) => _parameters.Bind(command);
}
