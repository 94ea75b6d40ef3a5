using System.Numerics;
using System.Runtime.InteropServices;

namespace MLflow.Fuzz;

/// <summary>Edges that the instrumented assemblies went along, as AFL counts them: https://lcamtuf.coredump.cx/afl/technical_details.txt</summary>
internal sealed unsafe class CoverageMap
{
    private const int Size = 1 << 16;

    private readonly byte* _hits;
    private readonly byte[] _seen = new byte[Size];

    public CoverageMap()
    {
        // For the life of the process: instrumented code writes here from the first of its instructions on.
        _hits = (byte*)NativeMemory.AllocZeroed(Size);
        SharpFuzz.Common.Trace.SharedMem = _hits;
    }

    public int Edges { get; private set; }

    public void Clear()
    {
        NativeMemory.Clear(_hits, Size);
        SharpFuzz.Common.Trace.PrevLocation = 0;
    }

    /// <summary>Whether the run went where <paramref name="seen"/> had not been, and remembers it there.</summary>
    /// <param name="seen">Of a target.</param>
    /// <param name="edgesOnly">How often an edge was taken does not count.</param>
    public bool AddTo(byte[] seen, bool edgesOnly)
    {
        var isNew = false;
        var hits = (ulong*)_hits;
        for (var i = 0; i < Size / sizeof(ulong); i++)
        {
            for (var word = hits[i]; word != 0;)
            {
                var at = i * sizeof(ulong) + BitOperations.TrailingZeroCount(word) / 8;
                word &= ~(0xFFUL << (at % sizeof(ulong) * 8));
                var bucket = Bucket(_hits[at]);
                isNew |= edgesOnly ? seen[at] == 0 : (seen[at] & bucket) == 0;
                seen[at] |= bucket;
                if (_seen[at] == 0)
                {
                    _seen[at] = 1;
                    Edges++;
                }
            }
        }

        return isNew;
    }

    public static byte[] NewSeen() => new byte[Size];

    public static int Count(byte[] seen) => seen.Count(bits => bits != 0);

    private static byte Bucket(byte hits) => hits switch
    {
        1 => 1,
        2 => 2,
        3 => 4,
        < 8 => 8,
        < 16 => 16,
        < 32 => 32,
        < 128 => 64,
        _ => 128,
    };
}
