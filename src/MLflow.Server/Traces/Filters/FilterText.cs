using System.Text.RegularExpressions;

namespace MLflow.Server.Traces.Filters;

/// <summary>Puts filters together as text, so that servers of MLflow take them too, which know no parentheses.</summary>
internal static partial class FilterText
{
    /// <summary>A filter and one more condition. Parentheses stand only where an OR needs them, which only this server takes.</summary>
    public static string And(string? filter, string condition)
    {
        var first = filter?.Trim().TrimEnd(';').TrimEnd();
        return string.IsNullOrEmpty(first) ? condition
            : Or().IsMatch(first) ? $"({first}) AND {condition}"
            : $"{first} AND {condition}";
    }

    [GeneratedRegex(@"\bOR\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Or();
}
