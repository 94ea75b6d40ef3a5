namespace MLflow.Server.Storage.TextIndex;

/// <summary>Collects the grams of one trace after the other. Takes 512 KB: keep one.</summary>
internal sealed class TextGramSet
{
    private readonly ulong[] _seen = new ulong[1 << (TextGrams.Bits - 6)];
    private readonly List<int> _grams = [];

    public int Count => _grams.Count;

    public void Add(int gram)
    {
        ref var word = ref _seen[gram >> 6];
        var bit = 1UL << gram;
        if ((word & bit) == 0)
        {
            word |= bit;
            _grams.Add(gram);
        }
    }

    /// <summary>What was added, each once, lowest first; then begins again.</summary>
    public int[] Take()
    {
        var taken = _grams.ToArray();
        foreach (var gram in taken)
        {
            _seen[gram >> 6] = 0;
        }

        _grams.Clear();
        Array.Sort(taken);
        return taken;
    }
}
