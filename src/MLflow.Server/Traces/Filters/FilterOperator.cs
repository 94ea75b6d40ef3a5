namespace MLflow.Server.Traces.Filters;

internal enum FilterOperator
{
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,

    /// <summary>Case counts; <c>%</c> and <c>_</c> are wildcards.</summary>
    Like,
    ILike,

    /// <summary>A regular expression found anywhere.</summary>
    RLike,
    In,
    NotIn,
    IsNull,
    IsNotNull,
}
