using System.Buffers.Binary;

namespace MLflow.Server.Storage.TextIndex;

/// <summary>
/// What grams stand in which of up to <see cref="Traces"/> traces. It is kept in <see cref="Pages"/> pages, so that a search reads those of its grams alone. A page is, for each of
/// its <see cref="Blocks"/> blocks, where it ends (4 bytes), then the blocks. A block is a list of grams, lowest first: how much higher than the one before, in how many traces, of many how
/// many bits say in which, and in which (binary interpolative coding).
/// </summary>
internal static class TextSegment
{
    public const int PlaceBits = 9;

    /// <summary>Traces that a segment has room for.</summary>
    public const int Traces = 1 << PlaceBits;

    /// <summary>Words of 64 bits, of which each bit stands for a trace.</summary>
    public const int Words = Traces / 64;

    /// <summary>Pages of a segment.</summary>
    public const int Pages = 1 << PageBits;

    private const int PageBits = 5;
    private const int BlockBits = 5;
    private const int Blocks = 1 << BlockBits;
    private const int KeyBits = TextGrams.Bits - PageBits - BlockBits;

    /// <summary>Traces from which on their bits are counted, so that who looks for another gram can pass over them.</summary>
    private const int ManyPlaces = 16;

    /// <summary>More bits than which of all traces take at most.</summary>
    private const int LengthBits = 11;

    private const int Start = Blocks * sizeof(int);

    public static int PageOf(int gram) => gram >> (TextGrams.Bits - PageBits);

    /// <summary>That a gram stands in a trace, as a number; numbers of one gram are neighbours.</summary>
    public static int Pair(int gram, int place) => gram << PlaceBits | place;

    public static int PlaceOf(int pair) => pair & (Traces - 1);

    /// <summary>Writes the pages; one without grams is empty.</summary>
    /// <param name="pairs">Made by <see cref="Pair"/>, each once, lowest first.</param>
    public static byte[][] Encode(ReadOnlySpan<int> pairs)
    {
        var pages = new byte[Pages][];
        var writer = new BitWriter();
        Span<int> ends = stackalloc int[Blocks];
        var next = 0;
        for (var page = 0; page < Pages; page++)
        {
            writer.Clear();
            for (var block = 0; block < Blocks; block++)
            {
                var before = -1;
                while (next < pairs.Length && pairs[next] >> (PlaceBits + KeyBits) == (page << BlockBits | block))
                {
                    var gram = pairs[next] >> PlaceBits;
                    var count = 1;
                    while (next + count < pairs.Length && pairs[next + count] >> PlaceBits == gram)
                    {
                        count++;
                    }

                    writer.WriteGamma((uint)(KeyOf(gram) - before));
                    before = KeyOf(gram);
                    writer.WriteGamma((uint)count);
                    var length = writer.Bits;
                    if (count >= ManyPlaces)
                    {
                        writer.Write(0, LengthBits);
                    }

                    WritePlaces(writer, pairs.Slice(next, count), 0, Traces - 1);
                    if (count >= ManyPlaces)
                    {
                        writer.Fill(length, (uint)(writer.Bits - length - LengthBits), LengthBits);
                    }

                    next += count;
                }

                writer.Align();
                ends[block] = writer.Length;
            }

            pages[page] = writer.Length == 0 ? [] : new byte[Start + writer.Length];
            if (writer.Length > 0)
            {
                for (var block = 0; block < Blocks; block++)
                {
                    BinaryPrimitives.WriteInt32LittleEndian(pages[page].AsSpan(block * sizeof(int)), ends[block]);
                }

                writer.Written.CopyTo(pages[page].AsSpan(Start));
            }
        }

        return pages;
    }

    /// <summary>Reads what is in a page, as <see cref="Pair"/> makes it.</summary>
    public static void Decode(int number, ReadOnlySpan<byte> page, List<int> pairs)
    {
        Span<ulong> places = stackalloc ulong[Words];
        for (var block = 0; block < Blocks; block++)
        {
            var reader = new BitReader(Block(page, block));
            var key = -1;
            while (ReadKey(ref reader, ref key))
            {
                places.Clear();
                ReadPlaces(ref reader, places);
                var gram = (number << BlockBits | block) << KeyBits | key;
                for (var place = 0; place < Traces; place++)
                {
                    if ((places[place >> 6] >> place & 1) != 0)
                    {
                        pairs.Add(Pair(gram, place));
                    }
                }
            }
        }
    }

    /// <summary>Adds to a set the traces that have one of some grams that are neighbours.</summary>
    /// <param name="page">That of the grams.</param>
    /// <param name="firstGram">The lowest of them.</param>
    /// <param name="count">How many there are; they are in one block.</param>
    /// <param name="found">The set, a bit for each trace.</param>
    public static void Find(ReadOnlySpan<byte> page, int firstGram, int count, Span<ulong> found)
    {
        var (first, last) = (KeyOf(firstGram), KeyOf(firstGram) + count - 1);
        var reader = new BitReader(Block(page, firstGram >> KeyBits & (Blocks - 1)));
        var key = -1;
        Span<ulong> passed = stackalloc ulong[Words];
        while (ReadKey(ref reader, ref key) && key <= last)
        {
            if (key >= first)
            {
                ReadPlaces(ref reader, found);
            }
            else
            {
                PassPlaces(ref reader, passed);
            }
        }
    }

    private static int KeyOf(int gram) => gram & ((1 << KeyBits) - 1);

    // What fills up the last byte is too short for a key and a count.
    private static bool ReadKey(ref BitReader reader, ref int key)
    {
        if (!reader.HasOne)
        {
            return false;
        }

        key += (int)reader.ReadGamma();
        return key >> KeyBits == 0;
    }

    /// <summary>The bytes of a block; none where the page is damaged.</summary>
    private static ReadOnlySpan<byte> Block(ReadOnlySpan<byte> page, int block)
    {
        if (page.Length < Start)
        {
            return [];
        }

        var from = block == 0 ? 0 : BinaryPrimitives.ReadInt32LittleEndian(page[((block - 1) * sizeof(int))..]);
        var to = BinaryPrimitives.ReadInt32LittleEndian(page[(block * sizeof(int))..]);
        return from < 0 || to < from || to > page.Length - Start ? [] : page[(Start + from)..(Start + to)];
    }

    /// <summary>The middle one of some places between two limits, then those on either side of it: where all are there, no bit is needed.</summary>
    private static void WritePlaces(BitWriter writer, ReadOnlySpan<int> pairs, int low, int high)
    {
        if (pairs.IsEmpty || high - low + 1 == pairs.Length)
        {
            return;
        }

        var middle = pairs.Length / 2;
        var place = PlaceOf(pairs[middle]);
        var lowest = low + middle;
        var highest = high - (pairs.Length - middle - 1);
        writer.WriteBelow((uint)(place - lowest), (uint)(highest - lowest + 1));
        WritePlaces(writer, pairs[..middle], low, place - 1);
        WritePlaces(writer, pairs[(middle + 1)..], place + 1, high);
    }

    private static void ReadPlaces(ref BitReader reader, scoped Span<ulong> places)
    {
        var count = (int)Math.Min(reader.ReadGamma(), Traces);
        reader.Skip(count >= ManyPlaces ? LengthBits : 0);
        ReadPlaces(ref reader, count, 0, Traces - 1, places);
    }

    private static void PassPlaces(ref BitReader reader, scoped Span<ulong> passed)
    {
        var count = (int)Math.Min(reader.ReadGamma(), Traces);
        if (count >= ManyPlaces)
        {
            reader.Skip((int)reader.Read(LengthBits));
        }
        else
        {
            ReadPlaces(ref reader, count, 0, Traces - 1, passed);
        }
    }

    private static void ReadPlaces(ref BitReader reader, int count, int low, int high, scoped Span<ulong> places)
    {
        if (count <= 0 || high - low + 1 < count)
        {
            return;
        }

        if (high - low + 1 == count)
        {
            for (var each = low; each <= high; each++)
            {
                places[each >> 6] |= 1UL << each;
            }

            return;
        }

        var middle = count / 2;
        var lowest = low + middle;
        var highest = high - (count - middle - 1);
        var place = lowest + (int)Math.Min(reader.ReadBelow((uint)(highest - lowest + 1)), (uint)(highest - lowest));
        places[place >> 6] |= 1UL << place;
        ReadPlaces(ref reader, middle, low, place - 1, places);
        ReadPlaces(ref reader, count - middle - 1, place + 1, high, places);
    }
}
