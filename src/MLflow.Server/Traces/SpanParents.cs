namespace MLflow.Server.Traces;

/// <summary>Who is below whom, where parents may be missing and may even stand in a circle.</summary>
internal static class SpanParents
{
    private const int None = -1;

    /// <param name="spans">In the order of their starts, those of one start by their id.</param>
    /// <param name="id">A span's id.</param>
    /// <param name="parentId">That of its parent.</param>
    /// <returns>For each span the place of its parent, or -1: for a root, an orphan, and the last of those that stand in a circle.</returns>
    public static int[] Of<T>(IReadOnlyList<T> spans, Func<T, string> id, Func<T, string?> parentId)
    {
        var places = new Dictionary<string, int>(spans.Count, StringComparer.Ordinal);
        for (var i = 0; i < spans.Count; i++)
        {
            places[id(spans[i])] = i;
        }

        var parents = new int[spans.Count];
        for (var i = 0; i < spans.Count; i++)
        {
            parents[i] = parentId(spans[i]) is { Length: > 0 } parent && places.TryGetValue(parent, out var place) ? place : None;
        }

        OpenCircles(parents);
        return parents;
    }

    /// <summary>The calls among the spans that have no call below them. What stands above them only sums up what they say.</summary>
    /// <param name="parents">See <see cref="Of"/>.</param>
    /// <param name="isCall">Whether the span at a place is a call.</param>
    public static IEnumerable<int> LeafCalls(int[] parents, Func<int, bool> isCall)
    {
        var isAbove = new bool[parents.Length];
        for (var i = 0; i < parents.Length; i++)
        {
            // A parent that is known already has been followed to the root.
            for (var at = isCall(i) ? parents[i] : None; at != None && !isAbove[at]; at = parents[at])
            {
                isAbove[at] = true;
            }
        }

        return Enumerable.Range(0, parents.Length).Where(i => isCall(i) && !isAbove[i]);
    }

    private static void OpenCircles(int[] parents)
    {
        // In which walk a place was first come by: one that comes by its own again has gone in a circle.
        var walks = new int[parents.Length];
        for (var i = 0; i < parents.Length; i++)
        {
            var at = i;
            for (; at != None && walks[at] == 0; at = parents[at])
            {
                walks[at] = i + 1;
            }

            if (at != None && walks[at] == i + 1)
            {
                var last = at;
                for (var around = parents[at]; around != at; around = parents[around])
                {
                    last = Math.Max(last, around);
                }

                parents[last] = None;
            }
        }
    }
}
