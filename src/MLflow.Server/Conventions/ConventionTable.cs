namespace MLflow.Server.Conventions;

/// <summary>
/// How one convention says what MLflow's attributes say. Each list is in the order of preference: the first row that gives something wins, over all tables
/// in the order of <see cref="ConventionTables.All"/>.
/// </summary>
internal sealed record ConventionTable
{
    /// <summary>As documents name it; the stamp of a mapped span has it.</summary>
    public required string Name { get; init; }

    /// <summary>Beginnings of the names of instrumentations for which the table holds; none for any.</summary>
    public IReadOnlyList<string> Scopes { get; init; } = [];

    public IReadOnlyList<TypeRow> Types { get; init; } = [];

    public IReadOnlyList<ValueRow> Inputs { get; init; } = [];

    public IReadOnlyList<ValueRow> Outputs { get; init; } = [];

    public IReadOnlyList<ValueRow> Tools { get; init; } = [];

    public IReadOnlyList<string> Models { get; init; } = [];

    public IReadOnlyList<string> Providers { get; init; } = [];

    public IReadOnlyList<UsageRow> Usage { get; init; } = [];

    /// <summary>Attributes with what was spent, in MLflow's names (<c>{"input_cost"…}</c>) or as <c>{"input"…}</c>.</summary>
    public IReadOnlyList<ValueRow> Costs { get; init; } = [];

    public IReadOnlyList<string> Sessions { get; init; } = [];

    public IReadOnlyList<string> Users { get; init; } = [];

    /// <summary>Seconds or milliseconds to the first token: the attribute, and by what to multiply it.</summary>
    public IReadOnlyList<KeyValuePair<string, double>> FirstTokens { get; init; } = [];

    public IReadOnlyList<ErrorRow> Errors { get; init; } = [];

    public bool Holds(string? scope) => Scopes.Count == 0 || (scope is not null && Scopes.Any(prefix => scope.StartsWith(prefix, StringComparison.Ordinal)));
}
