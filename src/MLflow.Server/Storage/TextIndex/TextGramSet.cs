namespace MLflow.Server.Storage.TextIndex;

/// <summary>Collects the grams of one trace after the other. Takes 512 KB: keep one.</summary>
internal sealed class TextGramSet
{
    /// <summary>Characters from which on a line is remembered, and of all that are.</summary>
    private const int MinLine = 48;
    private const int MaxLines = 4 * 1024 * 1024;

    private readonly ulong[] _seen = new ulong[1 << (TextGrams.Bits - 6)];
    private readonly List<int> _grams = [];
    private readonly HashSet<string> _lines = [];
    private int _lineCharacters;

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

    /// <summary>Whether a line has been seen before, so that the grams within it are there.</summary>
    public bool See(ReadOnlySpan<char> line)
    {
        if (line.Length < MinLine)
        {
            return false;
        }

        var lines = _lines.GetAlternateLookup<ReadOnlySpan<char>>();
        if (_lineCharacters + line.Length > MaxLines)
        {
            return lines.Contains(line);
        }

        if (!lines.Add(line))
        {
            return true;
        }

        _lineCharacters += line.Length;
        return false;
    }

    /// <summary>What was added, each once, in no order; then begins again.</summary>
    public int[] Take()
    {
        var taken = _grams.ToArray();
        foreach (var gram in taken)
        {
            _seen[gram >> 6] = 0;
        }

        _grams.Clear();
        _lines.Clear();
        _lineCharacters = 0;
        return taken;
    }
}
