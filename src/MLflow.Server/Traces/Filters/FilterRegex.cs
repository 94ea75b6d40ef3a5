using System.Text.RegularExpressions;

namespace MLflow.Server.Traces.Filters;

/// <summary>RLIKE's expressions: without back-tracking, so that the time they take is in proportion to the text.</summary>
internal static class FilterRegex
{
    /// <exception cref="ArgumentException">Not an expression.</exception>
    /// <exception cref="NotSupportedException">It looks around or refers back, or would be too large.</exception>
    public static Regex Create(string pattern, TimeSpan timeout) => new(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, timeout);

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: it cannot be used.</exception>
    public static void Require(FilterToken pattern)
    {
        if (pattern.Text.Length > FilterLimits.MaxRegexLength)
        {
            throw FilterError.At(
                $"Invalid regular expression: it has {pattern.Text.Length} characters, and at most {FilterLimits.MaxRegexLength} are allowed", pattern.Position);
        }

        try
        {
            _ = Create(pattern.Text, Regex.InfiniteMatchTimeout);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw FilterError.At($"Invalid regular expression '{FilterError.Shown(pattern.Text)}': {e.Message}", pattern.Position);
        }
    }
}
