using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>RLIKE: a regular expression that takes time in proportion to the text, whatever the expression is.</summary>
internal static class SqliteRegex
{
    /// <summary>Compiles the expressions of a filter and gives them to the connection.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: not an expression.</exception>
    public static void Register(SqliteConnection connection, IEnumerable<TraceCondition> conditions)
    {
        var expressions = conditions.Where(condition => condition.Operator == FilterOperator.RLike)
            .Select(condition => (string)condition.Values[0]).Distinct().ToDictionary(pattern => pattern, Compile);
        if (expressions.Count > 0)
        {
            connection.CreateFunction(
                SqlConditions.RegexFunction,
                (string pattern, string? text) => text is not null && expressions[pattern].IsMatch(text),
                isDeterministic: true);
        }
    }

    private static Regex Compile(string pattern)
    {
        try
        {
            return new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid regular expression '{pattern}': {e.Message}");
        }
    }
}
