using System.Text;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Comparisons in SQLite's dialect; every value becomes a parameter.</summary>
internal static class SqlConditions
{
    /// <summary>Name of the function that <see cref="SqliteRegex"/> gives a connection.</summary>
    public const string RegexFunction = "mlflow_regex";

    public static string Compare(string expression, FilterOperator @operator, IReadOnlyList<object> values, SqlParameters parameters) => @operator switch
    {
        FilterOperator.Equal => $"{expression} = {parameters.Add(values[0])}",
        FilterOperator.NotEqual => $"{expression} <> {parameters.Add(values[0])}",
        FilterOperator.Greater => $"{expression} > {parameters.Add(values[0])}",
        FilterOperator.GreaterOrEqual => $"{expression} >= {parameters.Add(values[0])}",
        FilterOperator.Less => $"{expression} < {parameters.Add(values[0])}",
        FilterOperator.LessOrEqual => $"{expression} <= {parameters.Add(values[0])}",
        FilterOperator.Like => $"{expression} GLOB {parameters.Add(Glob((string)values[0]))}",
        FilterOperator.ILike => $"{expression} LIKE {parameters.Add(values[0])}",
        FilterOperator.RLike => $"{RegexFunction}({parameters.Add(values[0])}, {expression})",
        FilterOperator.In => $"{expression} IN ({string.Join(", ", values.Select(parameters.Add))})",
        FilterOperator.NotIn => $"{expression} NOT IN ({string.Join(", ", values.Select(parameters.Add))})",
        FilterOperator.IsNull => $"{expression} IS NULL",
        FilterOperator.IsNotNull => $"{expression} IS NOT NULL",
        _ => throw new ArgumentOutOfRangeException(nameof(@operator)),
    };

    // SQLite's LIKE is blind to case, GLOB is not; its wildcards are others.
    private static string Glob(string like)
    {
        var glob = new StringBuilder(like.Length);
        foreach (var character in like)
        {
            _ = character switch
            {
                '%' => glob.Append('*'),
                '_' => glob.Append('?'),
                '*' or '?' or '[' => glob.Append('[').Append(character).Append(']'),
                _ => glob.Append(character),
            };
        }

        return glob.ToString();
    }
}
