namespace MLflow.Server.Ui.Overview;

/// <summary>How models use the tools that they are offered, over several traces.</summary>
public sealed class ToolHabits
{
    /// <param name="uses">One for each trace, the newest first.</param>
    public ToolHabits(IReadOnlyList<ToolUse> uses)
    {
        ArgumentNullException.ThrowIfNull(uses);
        Uses = uses;
        var called = uses.SelectMany(use => use.Called).ToHashSet(StringComparer.Ordinal);
        NeverCalled =
        [
            .. uses.SelectMany(use => use.Offered)
                .Where(name => !called.Contains(name))
                .CountBy(name => name, StringComparer.Ordinal)
                .OrderByDescending(name => name.Value).ThenBy(name => name.Key, StringComparer.Ordinal)
                .Select(name => name.Key),
        ];
        Misused = [.. called.Where(name => Misfits(name) > 0).OrderByDescending(Misfits).ThenBy(name => name, StringComparer.Ordinal)];
    }

    public IReadOnlyList<ToolUse> Uses { get; }

    /// <summary>Functions that were offered, and that no model asked for: those that were offered most often first.</summary>
    public IReadOnlyList<string> NeverCalled { get; }

    /// <summary>Functions that were called with arguments against their schema, those with most of them first.</summary>
    public IReadOnlyList<string> Misused { get; }

    /// <summary>Calls of a function whose arguments did not fit its schema; null where none was held against one.</summary>
    public int? Misfits(string name)
    {
        var calls = Uses.Select(use => use.Arguments.GetValueOrDefault(name)).ToList();
        return calls.Sum(call => call.Checked) == 0 ? null : calls.Sum(call => call.Misfits);
    }

    /// <summary>The traces of those calls.</summary>
    public IEnumerable<string> TracesWithMisfits(string name) => Uses.Where(use => use.Arguments.GetValueOrDefault(name).Misfits > 0).Select(use => use.TraceId);

    /// <summary>The traces that offered a function.</summary>
    public IEnumerable<string> TracesThatOffered(string name) => Uses.Where(use => use.Offered.Contains(name)).Select(use => use.TraceId);
}
