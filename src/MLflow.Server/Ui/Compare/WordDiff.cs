using DiffPlex;

namespace MLflow.Server.Ui.Compare;

/// <summary>What differs between two texts, by words.</summary>
internal static class WordDiff
{
    /// <summary>Characters of both texts beyond which they are shown as they are: finding what differs takes time by length times differences.</summary>
    private const int Most = 12_000;

    /// <summary>The second text, with what it has not of the first.</summary>
    public static IReadOnlyList<DiffPiece> Of(string first, string second)
    {
        if (first == second)
        {
            return [new DiffPiece(DiffKind.Same, second)];
        }

        if (first.Length + second.Length > Most)
        {
            return [new DiffPiece(DiffKind.Removed, first), new DiffPiece(DiffKind.Added, second)];
        }

        var diff = Differ.Instance.CreateDiffs(first, second, ignoreWhiteSpace: false, ignoreCase: false, WordChunker.Instance);
        var pieces = new List<DiffPiece>();
        var at = 0;
        foreach (var block in diff.DiffBlocks)
        {
            Add(DiffKind.Same, diff.PiecesNew, at, block.InsertStartB - at);
            Add(DiffKind.Removed, diff.PiecesOld, block.DeleteStartA, block.DeleteCountA);
            Add(DiffKind.Added, diff.PiecesNew, block.InsertStartB, block.InsertCountB);
            at = block.InsertStartB + block.InsertCountB;
        }

        Add(DiffKind.Same, diff.PiecesNew, at, diff.PiecesNew.Count - at);
        return pieces;

        void Add(DiffKind kind, IReadOnlyList<string> from, int start, int count)
        {
            if (count > 0)
            {
                pieces.Add(new DiffPiece(kind, string.Concat(from.Skip(start).Take(count))));
            }
        }
    }
}
