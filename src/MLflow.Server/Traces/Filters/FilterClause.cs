namespace MLflow.Server.Traces.Filters;

/// <summary>One condition as it is written; what its names mean depends on what is searched.</summary>
internal sealed record FilterClause
{
    /// <summary>What stands before the first dot: <c>tags</c> in <c>tags.a.b</c>.</summary>
    public string? Prefix { get; init; }

    public required string Key { get; init; }

    /// <summary>Position of the clause's first character, from 1.</summary>
    public required int Position { get; init; }

    public FilterOperator Operator { get; init; }

    /// <summary>The operator as it was written, in upper case.</summary>
    public required string OperatorText { get; init; }

    public required int OperatorPosition { get; init; }

    /// <summary>The value, or the values of a list; none for IS NULL.</summary>
    public IReadOnlyList<FilterToken> Values { get; init; } = [];

    public bool IsList => Operator is FilterOperator.In or FilterOperator.NotIn;

    public bool HasTextsOnly => Values.All(value => value.Kind == FilterTokenKind.Text);

    public int ValuePosition => Values.Count > 0 ? Values[0].Position : OperatorPosition;

    /// <summary>The values as they were written, cut to a length for errors.</summary>
    public string RawValue => FilterError.Shown(IsList ? $"({string.Join(", ", Values.Select(value => value.Raw))})" : Values[0].Raw);
}
