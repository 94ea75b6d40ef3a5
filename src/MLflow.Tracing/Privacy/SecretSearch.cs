using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MLflow;

/// <summary>
/// Finds the places in UTF-8 text at which a secret might begin: those that have one of about forty rare groups of three characters, in either case. All
/// groups are looked for at once, 16 or 32 bytes at a time (the "Teddy" method: for each of the three positions two tables, of the lower and the upper half
/// of a byte, say which of eight buckets allow it). SearchValues of strings does this for UTF-16, and becomes twenty times slower with this many words.
/// </summary>
internal static class SecretSearch
{
    /// <summary>
    /// The groups, one for each word that <see cref="SecretScrubber"/> then compares. Which part of a word stands for it, and in which bucket, was searched
    /// for over recorded calls: together they let at most 6 places in a KiB through, of which at most 1.6 are a group.
    /// </summary>
    private static readonly string[][] Buckets =
    [
        ["hub", "goc", "cce"],
        ["asi", "xai", "ecr", "efr"],
        ["sk-", "sk_", "pp-"],
        ["hp_", "ho_", "hs_", "hr_", "hf_", "://", ":\\/", "ws_"],
        ["hu_", "kia", "aiz", "bea", "key", "kie"],
        ["glp", "dap", "jqq", "\\u0"],
        ["npm", "eyj", "pwd", "uth"],
        ["29.", "xox", "riz", "ssw"],
    ];

    private static readonly byte[] Low0 = Table(0, isLow: true);
    private static readonly byte[] Low1 = Table(1, isLow: true);
    private static readonly byte[] Low2 = Table(2, isLow: true);
    private static readonly byte[] High0 = Table(0, isLow: false);
    private static readonly byte[] High1 = Table(1, isLow: false);
    private static readonly byte[] High2 = Table(2, isLow: false);
    private static readonly int[] Exact = ExactTable();

    /// <summary>The three bytes at a place, in lower case, as one number.</summary>
    public static int GroupAt(ReadOnlySpan<byte> text, int at) =>
        ((text[at] | 0x20) << 16) | ((text[at + 1] | 0x20) << 8) | (text[at + 2] | 0x20);

    /// <summary>The next place at which a group begins.</summary>
    /// <param name="text">UTF-8, or bytes with UTF-8 among them.</param>
    /// <param name="start">Where to begin.</param>
    /// <returns>-1 where there is none.</returns>
    public static int Next(ReadOnlySpan<byte> text, int start)
    {
        ref var origin = ref MemoryMarshal.GetReference(text);
        var at = start;
        if (Avx2.IsSupported)
        {
            var tables = new Tables256();
            for (; at + 2 + Vector256<byte>.Count <= text.Length; at += Vector256<byte>.Count)
            {
                var found = tables.Match(ref Unsafe.Add(ref origin, at));
                if (found != Vector256<byte>.Zero && First(text, at, ~Vector256.Equals(found, Vector256<byte>.Zero).ExtractMostSignificantBits()) is >= 0 and var first)
                {
                    return first;
                }
            }
        }

        if (Vector128.IsHardwareAccelerated)
        {
            var tables = new Tables128();
            for (; at + 2 + Vector128<byte>.Count <= text.Length; at += Vector128<byte>.Count)
            {
                var found = tables.Match(ref Unsafe.Add(ref origin, at));
                if (found != Vector128<byte>.Zero && First(text, at, ~Vector128.Equals(found, Vector128<byte>.Zero).ExtractMostSignificantBits() & 0xFFFF) is >= 0 and var first)
                {
                    return first;
                }
            }
        }

        for (; at + 3 <= text.Length; at++)
        {
            if (IsGroup(GroupAt(text, at)))
            {
                return at;
            }
        }

        return -1;
    }

    /// <summary>The first of the places that the buckets let through at which there is a group.</summary>
    private static int First(ReadOnlySpan<byte> text, int at, uint places)
    {
        for (; places != 0; places &= places - 1)
        {
            var place = at + BitOperations.TrailingZeroCount(places);
            if (IsGroup(GroupAt(text, place)))
            {
                return place;
            }
        }

        return -1;
    }

    private static bool IsGroup(int group) => Exact[Slot(group)] == group;

    // Spreads the groups over 1024 slots, so that no two share one (ExactTable would fail).
    private static int Slot(int group) => (int)(((uint)group * 0x9E3779B1u) >> 22);

    private static int[] ExactTable()
    {
        var table = new int[1024];
        foreach (var group in Buckets.SelectMany(bucket => bucket))
        {
            var value = GroupAt([(byte)group[0], (byte)group[1], (byte)group[2]], 0);
            if (table[Slot(value)] != 0)
            {
                throw new InvalidOperationException($"'{group}' shares its slot with another group: choose another multiplier.");
            }

            table[Slot(value)] = value;
        }

        return table;
    }

    private static byte[] Table(int position, bool isLow)
    {
        var table = new byte[16];
        for (var bucket = 0; bucket < Buckets.Length; bucket++)
        {
            foreach (var group in Buckets[bucket])
            {
                // The case of a letter is bit 5, in the upper half: both are allowed.
                var folded = group[position] | 0x20;
                var bit = (byte)(1 << bucket);
                table[isLow ? folded & 15 : folded >> 4] |= bit;
                table[isLow ? folded & 15 : (folded >> 4) & ~2] |= bit;
            }
        }

        return table;
    }

    private readonly struct Tables256
    {
        private readonly Vector256<byte> _low0 = Twice(Low0);
        private readonly Vector256<byte> _low1 = Twice(Low1);
        private readonly Vector256<byte> _low2 = Twice(Low2);
        private readonly Vector256<byte> _high0 = Twice(High0);
        private readonly Vector256<byte> _high1 = Twice(High1);
        private readonly Vector256<byte> _high2 = Twice(High2);

        public Tables256()
        {
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector256<byte> Match(ref byte text) =>
            Allowed(Vector256.LoadUnsafe(ref text), _low0, _high0)
            & Allowed(Vector256.LoadUnsafe(ref Unsafe.Add(ref text, 1)), _low1, _high1)
            & Allowed(Vector256.LoadUnsafe(ref Unsafe.Add(ref text, 2)), _low2, _high2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector256<byte> Allowed(Vector256<byte> bytes, Vector256<byte> low, Vector256<byte> high)
        {
            var half = Vector256.Create((byte)15);
            return Avx2.Shuffle(low, bytes & half) & Avx2.Shuffle(high, (bytes.AsUInt16() >> 4).AsByte() & half);
        }

        private static Vector256<byte> Twice(byte[] table)
        {
            var half = Vector128.Create(table);
            return Vector256.Create(half, half);
        }
    }

    private readonly struct Tables128
    {
        private readonly Vector128<byte> _low0 = Vector128.Create(Low0);
        private readonly Vector128<byte> _low1 = Vector128.Create(Low1);
        private readonly Vector128<byte> _low2 = Vector128.Create(Low2);
        private readonly Vector128<byte> _high0 = Vector128.Create(High0);
        private readonly Vector128<byte> _high1 = Vector128.Create(High1);
        private readonly Vector128<byte> _high2 = Vector128.Create(High2);

        public Tables128()
        {
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector128<byte> Match(ref byte text) =>
            Allowed(Vector128.LoadUnsafe(ref text), _low0, _high0)
            & Allowed(Vector128.LoadUnsafe(ref Unsafe.Add(ref text, 1)), _low1, _high1)
            & Allowed(Vector128.LoadUnsafe(ref Unsafe.Add(ref text, 2)), _low2, _high2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector128<byte> Allowed(Vector128<byte> bytes, Vector128<byte> low, Vector128<byte> high)
        {
            var half = Vector128.Create((byte)15);
            return Vector128.ShuffleNative(low, bytes & half) & Vector128.ShuffleNative(high, (bytes.AsUInt16() >> 4).AsByte() & half);
        }
    }
}
