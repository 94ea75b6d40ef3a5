using System.Buffers;
using System.Runtime.InteropServices;

namespace MLflow;

/// <summary>
/// Secrets of this process whose values are known because it fetched or stored them through this SDK. They are taken out of everything that is recorded or logged, whatever they look like.
/// </summary>
/// <remarks>
/// One whose value was never handed out is known as long as the program has it; after that nobody does. One that was handed out is known from then on, since its text may be anywhere.
/// </remarks>
internal static class KnownSecrets
{
    /// <summary>
    /// Above these the oldest are forgotten: first those that were never handed out, which are remembered again when they are, then the others, with a warning. A scope has 1000
    /// secrets at most.
    /// </summary>
    public const int MaxSecrets = 4096;

    /// <inheritdoc cref="MaxSecrets"/>
    public const long MaxBytes = 32 << 20;

    private const int AnchorBytes = sizeof(uint);

    private static readonly Lock Changes = new();
    private static readonly List<Entry> Entries = [];
    private static long _bytes;
    private static volatile bool _hasAny;

    // Made when it is looked for something: a whole scope may come at once.
    private static volatile Index? _index;

    public static bool HasAny => _hasAny;

    /// <summary>Makes a value known for as long as the result is held.</summary>
    public static KnownSecret Add(ReadOnlySpan<byte> value)
    {
        KnownSecret secret;
        bool hasForgotten;
        lock (Changes)
        {
            foreach (var entry in Entries)
            {
                if (entry.Secret is { } known && known.Value.SequenceEqual(value))
                {
                    return known;
                }
            }

            secret = new KnownSecret(value);
            hasForgotten = secret.Needles.Length > 0 && Remember(new Entry(secret));
        }

        Tell(hasForgotten);
        return secret;
    }

    /// <summary>Makes it known for the life of the process.</summary>
    public static void Keep(KnownSecret secret)
    {
        var hasForgotten = false;
        lock (Changes)
        {
            if (Entries.Find(entry => ReferenceEquals(entry.Secret, secret)) is { } known)
            {
                known.Kept = secret;
            }
            else if (secret.Needles.Length > 0)
            {
                hasForgotten = Remember(new Entry(secret) { Kept = secret });
            }
        }

        Tell(hasForgotten);
    }

    /// <summary>Whether bytes that hold UTF-8 text, JSON or not, with other bytes between the texts, might have one in one of them. Says yes too often.</summary>
    public static bool Suspects(ReadOnlySpan<byte> bytes) => _hasAny && Current().Suspects(bytes);

    /// <summary>Adds the places at which they stand in a text.</summary>
    /// <param name="text">What is looked at.</param>
    /// <param name="isName">Whether the text is a name: a secret that is a word, such as <c>content</c>, would rename what everybody calls so.</param>
    /// <param name="found">The places.</param>
    public static void Collect(ReadOnlySpan<byte> text, bool isName, ref List<(int Start, int End)>? found)
    {
        if (!_hasAny || Current().Candidates(text) is not { } candidates)
        {
            return;
        }

        foreach (var needle in candidates.SelectMany(secret => secret.Needles))
        {
            if (!(isName && needle.IsWord))
            {
                needle.Collect(text, ref found);
            }
        }
    }

    private static Index Current()
    {
        if (_index is { } index)
        {
            return index;
        }

        lock (Changes)
        {
            return _index ??= new Index(Entries);
        }
    }

    /// <returns>Whether one that was handed out had to be forgotten.</returns>
    private static bool Remember(Entry added)
    {
        var hasForgotten = false;
        _bytes += added.Size;
        if (Entries.Count >= MaxSecrets || _bytes > MaxBytes)
        {
            Entries.RemoveAll(entry => entry.Secret is null);
            _bytes = Entries.Sum(entry => entry.Size) + added.Size;
        }

        while (Entries.Count >= MaxSecrets || (_bytes > MaxBytes && Entries.Count > 0))
        {
            var oldest = Math.Max(0, Entries.FindIndex(entry => entry.Kept is null));
            _bytes -= Entries[oldest].Size;
            hasForgotten |= Entries[oldest].Kept is not null;
            Entries.RemoveAt(oldest);
        }

        Entries.Add(added);
        _hasAny = true;
        _index = null;
        return hasForgotten;
    }

    /// <summary>Not under the lock: a logger is the program's, and may record what it is given.</summary>
    private static void Tell(bool hasForgotten)
    {
        if (hasForgotten)
        {
            Mlflow.Log.Warn("known-secrets", $"More than {MaxSecrets} secrets, or {MaxBytes >> 20} MiB of them, were read by the program: the oldest are no longer looked for in traces.");
        }
    }

    private sealed class Entry(KnownSecret secret)
    {
        public WeakReference<KnownSecret> Reference { get; } = new(secret);

        public long Size { get; } = secret.Size;

        public KnownSecret? Kept { get; set; }

        public KnownSecret? Secret => Kept ?? (Reference.TryGetTarget(out var target) ? target : null);
    }

    /// <summary>Finds them by the first bytes of their anchors. Immutable.</summary>
    private sealed class Index
    {
        private readonly SearchValues<byte> _starts;
        private readonly Dictionary<uint, List<WeakReference<KnownSecret>>> _byAnchor = [];

        // Those with nothing that is long enough and always written the same.
        private readonly List<WeakReference<KnownSecret>> _everywhere = [];

        public Index(List<Entry> entries)
        {
            var starts = new HashSet<byte>();
            foreach (var entry in entries)
            {
                foreach (var needle in entry.Secret?.Needles ?? [])
                {
                    if (needle.Anchor.Length < AnchorBytes)
                    {
                        _everywhere.Add(entry.Reference);
                        continue;
                    }

                    starts.Add(needle.Anchor.Span[0]);
                    ref var list = ref CollectionsMarshal.GetValueRefOrAddDefault(_byAnchor, AnchorAt(needle.Anchor.Span, 0), out _);
                    (list ??= []).Add(entry.Reference);
                }
            }

            _starts = SearchValues.Create([.. starts]);
        }

        public bool Suspects(ReadOnlySpan<byte> bytes)
        {
            foreach (var reference in _everywhere)
            {
                if (reference.TryGetTarget(out var secret) && HasUnanchored(secret, bytes))
                {
                    return true;
                }
            }

            for (var at = Next(bytes, 0); at >= 0; at = Next(bytes, at + 1))
            {
                foreach (var reference in _byAnchor[AnchorAt(bytes, at)])
                {
                    if (reference.TryGetTarget(out var secret) && HasAnchorAt(secret, bytes, at))
                    {
                        return true;
                    }
                }
            }

            return false;
        }

        /// <summary>Those that may stand in the text; null for none.</summary>
        public HashSet<KnownSecret>? Candidates(ReadOnlySpan<byte> text)
        {
            HashSet<KnownSecret>? found = null;
            foreach (var reference in _everywhere)
            {
                if (reference.TryGetTarget(out var secret))
                {
                    (found ??= []).Add(secret);
                }
            }

            for (var at = Next(text, 0); at >= 0; at = Next(text, at + 1))
            {
                foreach (var reference in _byAnchor[AnchorAt(text, at)])
                {
                    if (reference.TryGetTarget(out var secret) && found?.Contains(secret) != true && HasAnchorAt(secret, text, at))
                    {
                        (found ??= []).Add(secret);
                    }
                }
            }

            return found;
        }

        private int Next(ReadOnlySpan<byte> text, int from)
        {
            for (var at = from; at + AnchorBytes <= text.Length; at++)
            {
                var next = text[at..].IndexOfAny(_starts);
                if (next < 0 || at + next + AnchorBytes > text.Length)
                {
                    return -1;
                }

                at += next;
                if (_byAnchor.ContainsKey(AnchorAt(text, at)))
                {
                    return at;
                }
            }

            return -1;
        }

        private static bool HasUnanchored(KnownSecret secret, ReadOnlySpan<byte> bytes)
        {
            foreach (var needle in secret.Needles)
            {
                if (needle.Anchor.Length < AnchorBytes && needle.MayStandIn(bytes))
                {
                    return true;
                }
            }

            return false;
        }

        private static bool HasAnchorAt(KnownSecret secret, ReadOnlySpan<byte> text, int at)
        {
            foreach (var needle in secret.Needles)
            {
                if (text[at..].StartsWith(needle.Anchor.Span))
                {
                    return true;
                }
            }

            return false;
        }

        private static uint AnchorAt(ReadOnlySpan<byte> text, int at) => MemoryMarshal.Read<uint>(text[at..]);
    }
}
