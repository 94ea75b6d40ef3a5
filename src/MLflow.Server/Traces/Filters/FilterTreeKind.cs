namespace MLflow.Server.Traces.Filters;

internal enum FilterTreeKind
{
    /// <summary>One condition.</summary>
    Condition,

    /// <summary>Every child holds; without children, everything matches.</summary>
    All,

    /// <summary>At least one child holds.</summary>
    Any,

    /// <summary>The only child does not hold.</summary>
    Not,
}
