using DiffPlex;
using DiffPlex.Chunkers;

namespace MLflow.Server.Ui.Compare;

/// <summary>Puts lists side by side, what is alike in one row.</summary>
internal static class Alignment
{
    /// <summary>Rows that are put side by side; what comes after them stands in rows of its own order.</summary>
    private const int Most = 2000;

    /// <summary>The rows; in each, for each list, the number of the item in it, or null.</summary>
    /// <param name="lists">What items are alike by; no item has a line break.</param>
    public static IReadOnlyList<int?[]> Of(IReadOnlyList<IReadOnlyList<string>> lists)
    {
        var rows = new List<(string Key, int?[] Items)>();
        for (var list = 0; list < lists.Count; list++)
        {
            var keys = lists[list].Take(Most).ToList();
            var diff = Differ.Instance.CreateDiffs(string.Join('\n', rows.Select(row => row.Key)), string.Join('\n', keys), ignoreWhiteSpace: false, ignoreCase: false, LineChunker.Instance);
            var next = new List<(string Key, int?[] Items)>();
            var (old, now) = (0, 0);
            foreach (var block in diff.DiffBlocks)
            {
                Pair(block.DeleteStartA - old);
                next.AddRange(rows.Skip(old).Take(block.DeleteCountA));
                old += Math.Min(block.DeleteCountA, rows.Count - old);
                for (var i = 0; i < block.InsertCountB && now < keys.Count; i++)
                {
                    next.Add((keys[now], New(list, now++)));
                }
            }

            Pair(Math.Min(rows.Count - old, keys.Count - now));
            rows = next;

            void Pair(int count)
            {
                for (var i = 0; i < count; i++)
                {
                    rows[old].Items[list] = now++;
                    next.Add(rows[old++]);
                }
            }
        }

        return [.. rows.Select(row => row.Items)];

        int?[] New(int list, int item)
        {
            var items = new int?[lists.Count];
            items[list] = item;
            return items;
        }
    }
}
