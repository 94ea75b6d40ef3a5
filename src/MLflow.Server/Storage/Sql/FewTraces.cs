using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Sql;

/// <summary>
/// The traces from which a search begins, where an index tells that it can only find a few. Where there are more, it goes through all traces in its order, and ends with its page.
/// </summary>
internal sealed class FewTraces
{
    /// <summary>From so many on they are not few.</summary>
    public const int Max = 1000;

    /// <summary>Of a filter of a hundred conditions, not each is looked up.</summary>
    private const int MaxConditions = 20;

    private readonly Func<TraceCondition, Task<IReadOnlyCollection<string>?>> _find;
    private int _looked;

    /// <param name="find">Finds at least all traces for which a condition holds; null where they are more than <see cref="Max"/>, or no index tells.</param>
    public FewTraces(Func<TraceCondition, Task<IReadOnlyCollection<string>?>> find) => _find = find;

    /// <returns>All traces for which the filter holds, and perhaps others; null where they may be many.</returns>
    public async Task<IReadOnlyCollection<string>?> OfAsync(FilterTree<TraceCondition> filter)
    {
        switch (filter.Kind)
        {
            case FilterTreeKind.Condition:
                return _looked++ < MaxConditions ? await _find(filter.Condition).ConfigureAwait(false) : null;
            case FilterTreeKind.Not:
                return null;
            case FilterTreeKind.All:
                IReadOnlyCollection<string>? fewest = null;
                for (var i = 0; i < filter.Children.Count && fewest is not { Count: 0 }; i++)
                {
                    fewest = await OfAsync(filter.Children[i]).ConfigureAwait(false) is { } found && !(found.Count >= fewest?.Count) ? found : fewest;
                }

                return fewest;
            default:
                var all = new HashSet<string>();
                foreach (var child in filter.Children)
                {
                    if (await OfAsync(child).ConfigureAwait(false) is not { } found)
                    {
                        return null;
                    }

                    all.UnionWith(found);
                }

                return all.Count > Max ? null : all;
        }
    }
}
