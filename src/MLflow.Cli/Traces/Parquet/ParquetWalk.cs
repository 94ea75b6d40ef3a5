using System.Buffers.Binary;

namespace MLflow.Cli.Traces.Parquet;

/// <summary>
/// Walks what a Parquet file says of itself, its index and the headers of its pages, and refuses what does not fit into its bytes. Parquet.Net believes all of it:
/// it takes a field's type from its number, goes by counts that nothing backs, reads 255 for ever behind the end of a damaged index, and writes the numbers
/// of an encoding over the references of a text.
/// </summary>
internal sealed class ParquetWalk
{
    /// <summary>Columns within columns. Parquet.Net calls itself for each.</summary>
    private const int MaxDepth = 100;

    /// <summary>A page may grow to the sum of both.</summary>
    private const long MaxPageBytes = 64L << 20;
    private const long MaxGrowth = 1000;

    private const long DataPage = 0, DictionaryPage = 2, DataPageV2 = 3;

    private const string Unknown = "-";

    /// <summary>
    /// Fields in the order of their numbers, as Parquet.Net knows them: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
    /// Of those that it does not know it skips numbers and bytes as they are written, structs not.
    /// </summary>
    private static readonly Dictionary<string, string[]> Structs = new Dictionary<string, string>
    {
        ["FileMetaData"] = "int [SchemaElement] int [RowGroup] [KeyValue] bytes [ColumnOrder] - bytes",
        ["SchemaElement"] = "int int int bytes int int int int int LogicalType",
        ["LogicalType"] = "Empty Empty Empty Empty Decimal Empty Time Time - Integer Empty Empty Empty Empty Empty Variant Geometry Geography",
        ["Decimal"] = "int int",
        ["Time"] = "bool TimeUnit",
        ["TimeUnit"] = "Empty Empty Empty",
        ["Integer"] = "byte bool",
        ["Variant"] = "byte",
        ["Geometry"] = "bytes",
        ["Geography"] = "bytes int",
        ["KeyValue"] = "bytes bytes",
        ["ColumnOrder"] = "Empty",
        ["RowGroup"] = "[ColumnChunk] int int [SortingColumn] int int int",
        ["SortingColumn"] = "int bool bool",
        ["ColumnChunk"] = "bytes int ColumnMetaData int int int int - bytes",
        ["ColumnMetaData"] = "int [int] [bytes] int int int int [KeyValue] int int int Statistics [PageEncodingStats] int int SizeStatistics GeospatialStatistics",
        ["Statistics"] = "bytes bytes int int bytes bytes bool bool",
        ["PageEncodingStats"] = "int int int",
        ["SizeStatistics"] = "int [int] [int]",
        ["GeospatialStatistics"] = "BoundingBox [int]",
        ["BoundingBox"] = "double double double double double double double double",
        ["PageHeader"] = "int int int int DataPageHeader Empty DictionaryPageHeader DataPageHeaderV2",
        ["DataPageHeader"] = "int int int int Statistics",
        ["DictionaryPageHeader"] = "int int bool",
        ["DataPageHeaderV2"] = "int int int int int int bool Statistics",
        ["Empty"] = "",
    }.ToDictionary(pair => pair.Key, pair => pair.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    /// <summary>By the number of an encoding: the types that it is for. https://parquet.apache.org/docs/file-format/data-pages/encodings/</summary>
    private static readonly Dictionary<long, long[]> Encodings = new()
    {
        [Plain] = [Boolean, Int32, Int64, Int96, Float, Double, ByteArray, FixedLengthByteArray],
        [PlainDictionary] = [Int32, Int64, Int96, Float, Double, ByteArray, FixedLengthByteArray],
        [RunLengths] = [Boolean],
        [DeltaBinaryPacked] = [Int32, Int64],
        [DeltaLengthByteArray] = [ByteArray],
        [DeltaByteArray] = [ByteArray, FixedLengthByteArray],
        [DictionaryIndexes] = [Int32, Int64, Int96, Float, Double, ByteArray, FixedLengthByteArray],
        [ByteStreamSplit] = [Int32, Int64, Float, Double, FixedLengthByteArray],
    };

    private const long Boolean = 0, Int32 = 1, Int64 = 2, Int96 = 3, Float = 4, Double = 5, ByteArray = 6, FixedLengthByteArray = 7;
    private const long Plain = 0, PlainDictionary = 2, RunLengths = 3, DeltaBinaryPacked = 5, DeltaLengthByteArray = 6, DeltaByteArray = 7, DictionaryIndexes = 8, ByteStreamSplit = 9;

    private readonly Stream _file;
    private readonly List<long[]> _chunks = [];
    private readonly Dictionary<long, long> _ends = [];

    /// <summary>Of the page that was read last, by its type.</summary>
    private readonly long[] _encodings = new long[DataPageV2 + 1];

    /// <summary>Of each column that is open: how many of those within it are to come.</summary>
    private readonly Stack<long> _columns = [];
    private long _at;
    private long _end;

    private ParquetWalk(Stream file) => _file = file;

    /// <returns>By the byte at which a column begins, the one behind its last page that was looked at.</returns>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static IReadOnlyDictionary<long, long> Check(Stream file, CancellationToken cancellationToken)
    {
        var walk = new ParquetWalk(file);
        var index = walk.ReadIndex();
        var left = index;
        foreach (var chunk in walk._chunks)
        {
            // The same pages for each of many columns would be walked as often.
            if ((left -= Math.Max(0, chunk[7])) < 0)
            {
                throw new InvalidDataException($"its columns have more bytes than the {index} before its index");
            }

            walk.ReadPages(chunk, index, cancellationToken);
        }

        return walk._ends;
    }

    /// <returns>Where it begins, and what is in the pages ends.</returns>
    private long ReadIndex()
    {
        var tail = new byte[sizeof(int) + ParquetTraceLines.Magic.Length];
        var end = _file.Length - tail.Length;
        if (end < ParquetTraceLines.Magic.Length)
        {
            throw new InvalidDataException($"it has {_file.Length} bytes");
        }

        _file.Position = end;
        _file.ReadExactly(tail);
        if (!tail.AsSpan(sizeof(int)).SequenceEqual(ParquetTraceLines.Magic))
        {
            throw new InvalidDataException("it does not end with PAR1");
        }

        var size = BinaryPrimitives.ReadInt32LittleEndian(tail);
        if (size <= 0 || size > end - ParquetTraceLines.Magic.Length)
        {
            throw new InvalidDataException($"its index has {size} bytes, of {_file.Length} in all");
        }

        Enter(end - size, end);
        ReadStruct("FileMetaData");
        return end - size;
    }

    /// <summary>Where a column begins: of the bytes that its index tells for its pages, the first.</summary>
    public static long StartOf(params ReadOnlySpan<long> offsets)
    {
        var start = 0L;
        foreach (var offset in offsets)
        {
            start = offset != 0 && (start == 0 || offset < start) ? offset : start;
        }

        return start;
    }

    private void ReadPages(long[] chunk, long index, CancellationToken cancellationToken)
    {
        var (values, size, start) = (chunk[5], chunk[7], StartOf(chunk[9], chunk[10], chunk[11]));
        if (values is < 0 or > int.MaxValue || start < ParquetTraceLines.Magic.Length || size < 0 || size > index - start)
        {
            throw new InvalidDataException($"a column of {values} values has {size} bytes from byte {start} on, and the pages end at byte {index}");
        }

        Enter(start, start + size);
        var hasDictionary = false;
        while (values > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var at = _at;
            Array.Fill(_encodings, -1);
            var header = ReadStruct("PageHeader");
            var (large, small) = (header[2], header[3]);
            var (count, entries) = header[1] switch { DataPage => (header[5], 0L), DictionaryPage => (0L, header[7]), DataPageV2 => (header[8], 0L), _ => (0L, 0L) };
            if (header[1] is < DataPage or > DataPageV2)
            {
                // The library looks at the lower half of the number alone.
                throw new InvalidDataException($"the page at byte {at} is of type {header[1]}");
            }

            if (small < 0 || small > _end - _at || large < 0 || large > MaxPageBytes + MaxGrowth * small || count < 0 || count > values || entries < 0 || entries > large)
            {
                throw new InvalidDataException($"the page at byte {at} has {count + entries} values of {values} in {small} bytes of {_end - _at}, which become {large}");
            }

            hasDictionary |= header[1] == DictionaryPage;
            if (header[1] is DataPage or DataPageV2 && !IsFor(_encodings[header[1]], chunk[1], hasDictionary))
            {
                throw new InvalidDataException($"the page at byte {at} has encoding {_encodings[header[1]]}, which values of type {chunk[1]} {(hasDictionary ? "" : "without a dictionary ")}cannot have");
            }

            values -= count;
            Skip(small);
        }

        _ends[start] = Math.Min(_at, _ends.GetValueOrDefault(start, _at));
    }

    private static bool IsFor(long encoding, long type, bool hasDictionary) =>
        Encodings.TryGetValue(encoding, out var types) && types.Contains(type) && (hasDictionary || encoding is not (PlainDictionary or DictionaryIndexes));

    private void Enter(long start, long end) => (_file.Position, _at, _end) = (start, start, end);

    /// <returns>The numbers among the fields, by their number; of a struct the first of its own.</returns>
    private long[] ReadStruct(string name)
    {
        var fields = Structs[name];
        var numbers = new long[fields.Length + 1];
        var id = (short)0;
        while (ReadByte() is not 0 and var header)
        {
            id = (short)(header >> 4 == 0 ? ReadNumber() : id + (header >> 4));
            var isKnown = id > 0 && id <= fields.Length;
            var number = ReadValue(isKnown ? fields[id - 1] : Unknown, header & 0xF, name);
            if (isKnown)
            {
                numbers[id] = number;
            }
        }

        switch (name)
        {
            case "SchemaElement":
                OpenColumn(numbers[5]);
                break;
            case "RowGroup" when numbers[3] < 0 || numbers[3] > _file.Length:
                // Not even a byte for each.
                throw new InvalidDataException($"a group has {numbers[3]} rows, and the file {_file.Length} bytes");
            case "ColumnMetaData":
                _chunks.Add(numbers);
                break;
            case "DataPageHeader":
                _encodings[DataPage] = numbers[2];
                break;
            case "DataPageHeaderV2":
                _encodings[DataPageV2] = numbers[4];
                break;
            default:
                break;
        }

        return numbers;
    }

    /// <param name="expected">What stands there in <see cref="Structs"/>.</param>
    /// <param name="type">https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md</param>
    /// <param name="owner">The struct whose it is.</param>
    private long ReadValue(string expected, int type, string owner)
    {
        switch (type)
        {
            case 1 or 2 when expected is "bool" or Unknown:
                return 0;
            case 3 when expected is "byte" or Unknown:
                return ReadByte();
            case 4 or 5 or 6 when expected is "int" or Unknown:
                return ReadNumber();
            case 7 when expected is "double" or Unknown:
                Skip(sizeof(double));
                return 0;
            case 8 when expected is "bytes" or Unknown:
                Skip(ReadCount());
                return 0;
            case 9 when expected is ['[', ..] or Unknown:
                ReadList(expected.Trim('[', ']'), owner);
                return 0;
            case 12 when Structs.ContainsKey(expected):
                return ReadStruct(expected).ElementAtOrDefault(1);
            default:
                throw new InvalidDataException($"a {owner} has a field of type {type} at byte {_at}");
        }
    }

    private void ReadList(string element, string owner)
    {
        var header = ReadByte();
        var (count, type) = (header >> 4 == 0xF ? ReadCount() : header >> 4, header & 0xF);
        if (count > _end - _at || type is 1 or 2 or 9)
        {
            // Of truths and lists in a list that it does not know, Parquet.Net skips too little or calls itself.
            throw new InvalidDataException($"a {owner} has a list of {count} values of type {type} at byte {_at}, where {_end - _at} bytes are left");
        }

        for (; count > 0; count--)
        {
            ReadValue(element, type, owner);
        }
    }

    private void OpenColumn(long children)
    {
        if (_columns.TryPop(out var toCome))
        {
            _columns.Push(toCome - 1);
        }

        if (children > 0)
        {
            _columns.Push(children);
        }

        while (_columns.TryPeek(out toCome) && toCome == 0)
        {
            _columns.Pop();
        }

        if (_columns.Count > MaxDepth)
        {
            throw new InvalidDataException($"it has more than {MaxDepth} columns within each other");
        }
    }

    private int ReadByte()
    {
        if (_at == _end)
        {
            throw new InvalidDataException($"what stands at byte {_end} does not end there");
        }

        _at++;
        return _file.ReadByte() is >= 0 and var value ? value : throw new EndOfStreamException();
    }

    private long ReadNumber()
    {
        var value = ReadVarint();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    /// <summary>Of bytes or of elements, each of which has at least one.</summary>
    private long ReadCount() => (long)Math.Min(ReadVarint(), long.MaxValue);

    private ulong ReadVarint()
    {
        var value = 0UL;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var part = ReadByte();
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
            {
                return value;
            }
        }

        throw new InvalidDataException($"the number before byte {_at} does not end");
    }

    private void Skip(long count)
    {
        if (count > _end - _at)
        {
            throw new InvalidDataException($"at byte {_at} there should be {count} more, and {_end - _at} are left");
        }

        _file.Position = _at += count;
    }
}
