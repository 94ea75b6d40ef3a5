namespace MLflow.Server.Traces.Filters;

/// <summary>
/// Errors of filters and orders. They begin as MLflow's do, since clients match on that; the position follows.
/// </summary>
internal static class FilterError
{
    private const int MaxShown = 200;

    /// <param name="message">What is wrong.</param>
    /// <param name="position">Of the character where it is, from 1.</param>
    public static MlflowException At(string message, int position) =>
        new(ErrorCode.INVALID_PARAMETER_VALUE, message + Suffix(position)) { Position = position };

    /// <summary>What <see cref="At"/> puts behind a message.</summary>
    public static string Suffix(int position) => $" (at position {position})";

    /// <summary>Tokens that cannot stand where they stand; the first one's position is told.</summary>
    public static MlflowException Clauses(string source, string hint, params ReadOnlySpan<FilterToken> tokens)
    {
        var shown = new string[tokens.Length];
        for (var i = 0; i < tokens.Length; i++)
        {
            shown[i] = $"'{Shown(tokens[i].Raw)}'";
        }

        return At($"Invalid clause(s) in {source}: {string.Join(", ", shown)}{hint}", tokens[0].Position);
    }

    /// <summary>Text of the caller's in a length that an error can have.</summary>
    public static string Shown(string text) => text.Length <= MaxShown ? text : $"{text[..MaxShown]}… ({text.Length} characters)";
}
