using System.Text.RegularExpressions;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Sql;

/// <summary>The comparisons of text that databases do not do as we do.</summary>
internal static class TextMatch
{
    /// <param name="operator">LIKE, ILIKE or RLIKE.</param>
    /// <param name="pattern">What to look for; an expression has been checked.</param>
    /// <param name="clock">When to give up.</param>
    public static Predicate<string> Create(FilterOperator @operator, string pattern, SearchClock clock)
    {
        if (@operator != FilterOperator.RLike)
        {
            var like = new LikePattern(pattern, @operator == FilterOperator.ILike);
            return text => like.IsMatch(text, clock);
        }

        var regex = FilterRegex.Create(pattern, clock.Limit);
        return text =>
        {
            try
            {
                return regex.IsMatch(text);
            }
            catch (RegexMatchTimeoutException)
            {
                throw clock.Stop();
            }
        };
    }

    public static bool IsPattern(FilterOperator @operator) => @operator is FilterOperator.Like or FilterOperator.ILike or FilterOperator.RLike;
}
