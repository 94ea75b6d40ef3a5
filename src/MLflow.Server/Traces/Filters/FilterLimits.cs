namespace MLflow.Server.Traces.Filters;

/// <summary>What a filter and an order may hold at most; the errors name these figures.</summary>
internal static class FilterLimits
{
    /// <summary>Characters of a filter, or of one key of an order.</summary>
    public const int MaxLength = 50_000;

    /// <summary>Conditions of a filter; each becomes a part of the query.</summary>
    public const int MaxConditions = 100;

    /// <summary>Levels of parentheses and NOT; keeps parser and query far from the ends of their stacks.</summary>
    public const int MaxDepth = 32;

    /// <summary>Values of one list; SQLite takes 32,766 parameters in one statement.</summary>
    public const int MaxListValues = 1000;

    /// <summary>Characters of a regular expression; what matching costs grows with them.</summary>
    public const int MaxRegexLength = 1000;

    /// <summary>Keys of an order.</summary>
    public const int MaxOrderKeys = 20;
}
