using System.Buffers.Binary;
using System.Text.Json;
using MLflow.Cli.Commands;
using MLflow.Cli.Traces;
using MLflow.Cli.Traces.Parquet;
using Parquet;
using Xunit;

namespace MLflow.EndToEnd.Tests.Cli;

/// <summary>Files with damage that the library goes round and round at, or believes.</summary>
public sealed class ParquetTraceLinesTests
{
    /// <summary>Not a promise of ours: it ends a test whose file is read for ever.</summary>
    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(1);

    public static TheoryData<string, byte[], string> Indexes => new()
    {
        { "a struct that is not known, and does not end", [0xFC, 0x15, 0x02, 0x15, 0x02], "a FileMetaData has a field of type 12" },
        { "a struct that is not known, with a text that looks like fields", [0x15, 0x02, 0xDC, 0x18, 0x03, 0x15, 0x15, 0x15, 0x00, 0x00], "a FileMetaData has a field of type 12" },
        { "a number that does not end", [0x15, 0xFF, 0xFF, 0xFF], "does not end there" },
        { "a number of 11 bytes", [0x15, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 0x00], "does not end" },
        { "no end at all", [0x15, 0x02], "does not end there" },
        { "a list of 2^31-1 numbers", [0x15, 0x02, 0xD9, 0xF5, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x00], "a list of 2147483647 values of type 5" },
        { "a list of 2^31-1 groups", [0x15, 0x02, 0x39, 0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x00], "a list of 2147483647 values of type 12" },
        { "a list of truths", [0x15, 0x02, 0xD9, 0x31, 0x01, 0x01, 0x01, 0x00], "a list of 3 values of type 1" },
        { "a number where the columns are", [0x15, 0x02, 0x15, 0xFE, 0xFF, 0x01, 0x00], "a FileMetaData has a field of type 5" },
        { "columns of numbers", [0x15, 0x02, 0x19, 0x35, 0x02, 0x02, 0x02, 0x00], "a FileMetaData has a field of type 5" },
        { "a map", [0x15, 0x02, 0xDB, 0x01, 0x55, 0x02, 0x02, 0x00], "a FileMetaData has a field of type 11" },
        { "a text of 2 GB", [0x15, 0x02, 0xD8, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x00], "there should be 2147483647 more" },
    };

    [Theory]
    [MemberData(nameof(Indexes))]
    public async Task Index_Damaged_IsRefused(string damage, byte[] index, string expected)
    {
        var error = await RefusedAsync([.. "PAR1"u8, 1, 2, 3, .. index, .. Tail(index.Length)]);

        Assert.StartsWith("in.parquet is no whole Parquet file, nothing was imported: ", error, StringComparison.Ordinal);
        Assert.True(error.Contains(expected, StringComparison.Ordinal), $"{damage}: {error}");
    }

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(12)]
    public async Task Index_LongerThanTheFile_IsRefused(int length) =>
        Assert.Contains($"its index has {length} bytes, of 19 in all", await RefusedAsync([.. "PAR1"u8, .. new byte[7], .. Tail(length)]), StringComparison.Ordinal);

    [Fact]
    public async Task Index_ColumnsWithinColumns_IsRefusedAtADepth()
    {
        // Each has a name of no letters and one column in it. The library calls itself for each, which ends the process.
        byte[] column = [0x48, 0x00, 0x15, 0x02, 0x00];
        const int depth = 50_000;
        byte[] index = [0x15, 0x02, 0x19, 0xFC, 0xD0, 0x86, 0x03, .. Enumerable.Repeat(column, depth).SelectMany(bytes => bytes), 0x00];

        Assert.Contains("more than 100 columns within each other", await RefusedAsync([.. "PAR1"u8, .. index, .. Tail(index.Length)]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Page_LeadsToTheEndOfTheFile_IsRefused()
    {
        // To the last byte, where a header would begin with a number that goes on.
        var (file, page, _) = await FileAsync(SpanTable.Inputs);
        var header = EmptyPage(values: 0, to: file.Length - 1, at: page);
        header.CopyTo(file, page);

        Assert.Contains($"the page at byte {page} has 0 values of 1 in {file.Length - 1 - page - header.Length} bytes", await RefusedAsync(file), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Page_WithoutTheValuesThatItTells_IsRefused()
    {
        // The library looks for the value in the page behind the last one, which is the index. It takes a key there for statistics, and their text ends before the last byte.
        var (file, page, index) = await FileAsync(SpanTable.Other);
        EmptyPage(values: 1, to: index, at: page).CopyTo(file, page);
        var rest = file.AsSpan(index + 2, file.Length - index - 10).ToArray();
        byte[] key = [0x18, .. Number(0), .. new byte[68]];
        byte[] changed = [0x59, 0x1C, 0x18, 0x48, .. key, 0x18, 0x00, 0x00, 0x05, 0x02, 0x02, .. rest];
        Number(changed.Length - 1).CopyTo(changed, 5);

        var error = await RefusedAsync([.. file.AsSpan(0, index), .. changed, .. Tail(changed.Length)]);

        Assert.Contains("in.parquet is no whole Parquet file, nothing was imported: Attempted to read past the end of the stream", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Page_WithoutItsValuesBeforeAnotherColumn_IsRefused()
    {
        // The library goes on to the next column's page, and takes its value.
        var (file, page, _) = await FileAsync(SpanTable.Inputs);
        var (_, next, _) = await FileAsync(SpanTable.Outputs);
        EmptyPage(values: 1, to: next, at: page).CopyTo(file, page);

        Assert.Contains("Attempted to read past the end of the stream", await RefusedAsync(file), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(SpanTable.SpanId, 2, "has encoding 2, which values of type 6 without a dictionary cannot have")]
    [InlineData(SpanTable.SpanId, 3, "has encoding 3, which values of type 6")]
    [InlineData(SpanTable.SpanId, 5, "has encoding 5, which values of type 6")]
    [InlineData(SpanTable.SpanId, 8, "has encoding 8, which values of type 6 without a dictionary cannot have")]
    [InlineData(SpanTable.SpanId, 9, "has encoding 9, which values of type 6")]
    [InlineData(SpanTable.SpanId, 33, "has encoding 33, which values of type 6")]
    [InlineData(SpanTable.Start, 3, "has encoding 3, which values of type 2")]
    [InlineData(SpanTable.Start, 6, "has encoding 6, which values of type 2")]
    public async Task Page_WithAnEncodingOfOtherValues_IsRefused(string column, byte encoding, string expected)
    {
        // The library writes numbers over the references of texts: https://github.com/aloneguid/parquet-dotnet/blob/master/src/Parquet/File/DataColumnReader.cs
        var (file, page, _) = await FileAsync(column);
        file[page + file.AsSpan(page).IndexOf<byte>([0x2C, 0x15, 0x02, 0x15]) + 4] = (byte)(encoding * 2);

        Assert.Contains($"the page at byte {page} {expected}", await RefusedAsync(file), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Column_OfAnotherTypeThanItsField_IsRefused()
    {
        // The index tells it twice, with the columns and with their pages: a number of 64 bits, its encodings, and one name.
        var (file, _, index) = await FileAsync(SpanTable.Inputs);
        byte[] name = [0x19, 0x18, 0x06, .. "inputs"u8];
        var at = index + file.AsSpan(index).IndexOf(name);
        var type = at - 5 + file.AsSpan(at - 5, 5).IndexOf<byte>([0x15, 0x0C]) + 1;
        Assert.Equal(0x0C, file[type]);
        file[type] = 0x04;

        Assert.Contains("its column inputs has values of type INT64 instead of BYTE_ARRAY", await RefusedAsync(file), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Page_OfATypeThatTheLibraryTakesForAnother_IsRefused()
    {
        // 2^32: the lower half is that of a page of values.
        var (file, page, _) = await FileAsync(SpanTable.Inputs);
        byte[] header = [0x15, 0x80, 0x80, 0x80, 0x80, 0x20, 0x15, 0x00, 0x15, 0x00, 0x00];
        header.CopyTo(file, page);

        Assert.Contains($"the page at byte {page} is of type 4294967296", await RefusedAsync(file), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Column_WithFewerValuesThanRows_IsRefused()
    {
        // The group's rows stand at the end of the index, before the sizes of its columns; twice as many, as it writes numbers.
        var (file, _, index) = await FileAsync(SpanTable.Inputs);
        var rows = file.AsSpan(index).LastIndexOf([(byte)0x16, (byte)0x02]) + index;
        file[rows + 1] = 0x04;

        Assert.Contains("its column trace_id has 1 values for 2 rows", await RefusedAsync(file), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[] { 0x15, 0x00, 0x15, 0xFE, 0xFF, 0xFF, 0xFF, 0x0F }, "which become 2147483647")]
    [InlineData(new byte[] { 0x15, 0x00, 0x15, 0x01 }, "which become -1")]
    [InlineData(new byte[] { 0x15, 0x00, 0x15, 0x02, 0x15, 0x01 }, "in -1 bytes")]
    [InlineData(new byte[] { 0x15, 0x00, 0x15, 0x02, 0x15, 0x02, 0x2C, 0x15, 0x04, 0x00, 0x00 }, "has 2 values of 1")]
    [InlineData(new byte[] { 0x15, 0x04, 0x15, 0x02, 0x15, 0x02, 0x4C, 0x15, 0xFE, 0xFF, 0xFF, 0xFF, 0x0F, 0x00, 0x00 }, "has 2147483647 values")]
    [InlineData(new byte[] { 0x15, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF }, "does not end")]
    [InlineData(new byte[] { 0xCC, 0x15, 0x02 }, "a PageHeader has a field of type 12")]
    public async Task Page_HeaderThatCannotBe_IsRefused(byte[] header, string expected)
    {
        var (file, page, _) = await FileAsync(SpanTable.Inputs);
        file.AsSpan(page, 40).Clear();
        header.CopyTo(file, page);

        Assert.Contains(expected, await RefusedAsync(file), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Group_WithMoreRowsThanTheFileHasBytes_IsRefused()
    {
        // Of the index only what tells rows: a column, and a group of none.
        byte[] index = [0x15, 0x02, 0x19, 0x1C, 0x48, 0x01, (byte)'r', 0x00, 0x16, 0x02, 0x19, 0x1C, 0x19, 0x0C, 0x16, 0x02, 0x16, 0xFE, 0xFF, 0xFF, 0xFF, 0x0F, 0x00, 0x00];

        Assert.Contains("a group has 2147483647 rows, and the file 36 bytes", await RefusedAsync([.. "PAR1"u8, .. index, .. Tail(index.Length)]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Columns_OfTheSamePages_AreRefused()
    {
        // A page of one value behind the first four bytes, and two groups of a column with it.
        byte[] page = [0x15, 0x00, 0x15, 0x00, 0x15, 0x00, 0x2C, 0x15, 0x02, 0x00, 0x00];
        byte[] group = [0x19, 0x1C, 0x3C, 0x56, 0x02, 0x26, 0x16, 0x26, 0x08, 0x00, 0x00, 0x00];
        byte[] index = [0x15, 0x02, 0x39, 0x2C, .. group, .. group, 0x00];

        Assert.Contains("its columns have more bytes than the 15 before its index", await RefusedAsync([.. "PAR1"u8, .. page, .. index, .. Tail(index.Length)]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task File_OfTheExport_IsRead()
    {
        var (file, _, _) = await FileAsync(SpanTable.Inputs);

        await using var lines = await OpenAsync(file);
        using var trace = JsonDocument.Parse((await lines.ReadAsync(Token))!.Value);

        Assert.Equal("root", trace.RootElement.GetProperty("data").GetProperty("spans")[0].GetProperty("name").GetString());
        Assert.Null(await lines.ReadAsync(Token));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static byte[] Tail(int length)
    {
        var tail = new byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(tail, length);
        "PAR1"u8.CopyTo(tail.AsSpan(4));
        return tail;
    }

    private static async Task<string> RefusedAsync(byte[] file) => (await Assert.ThrowsAsync<CommandException>(() => OpenAsync(file))).Message;

    /// <summary>On a thread of its own, which stays where the library does not come back.</summary>
    private static Task<ParquetTraceLines> OpenAsync(byte[] file) =>
        Task.Factory.StartNew(() => ParquetTraceLines.OpenAsync(new MemoryStream(file), "in.parquet", Token), Token, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap().WaitAsync(Enough, Token);

    /// <summary>A page of the second version that has no bytes for its values, or for that they are none.</summary>
    private static byte[] EmptyPage(byte values, int to, int at)
    {
        byte[] header = [0x15, 0x06, 0x15, 0x00, 0x15, .. Number(0), 0x5C, 0x15, (byte)(values * 2), 0x15, (byte)(values * 2), 0x15, 0x00, 0x15, 0x00, 0x15, 0x00, 0x15, 0x00, 0x12, 0x00, 0x00];
        Number((to - at - header.Length) * 2).CopyTo(header, 5);
        return header;
    }

    /// <summary>In three bytes.</summary>
    private static byte[] Number(int value) => [(byte)(value | 0x80), (byte)((value >> 7) | 0x80), (byte)(value >> 14)];

    /// <summary>A trace of one span, where a column's first page begins, and where the index does.</summary>
    private static async Task<(byte[] File, int Page, int Index)> FileAsync(string name)
    {
        const string trace = """
            {"info":{"trace_id":"tr-1","state":"OK"},"data":{"spans":[{"trace_id":"00000000000000000000000000000001","span_id":"0000000000000001","name":"root",
            "start_time_unix_nano":1,"end_time_unix_nano":2,"attributes":{"mlflow.spanInputs":"{\"q\":\"how are you?\"}"},"events":[]}]}}
            """;
        using var file = new MemoryStream();
        await using (var writer = await ParquetTraceWriter.CreateAsync(file, Token))
        {
            await writer.WriteAsync(TraceDocument.ReadAll(JsonElement.Parse(trace))[0], Token);
            await writer.FinishAsync(Token);
        }

        await using var reader = await ParquetReader.CreateAsync(file, cancellationToken: Token);
        var column = reader.OpenRowGroupReader(0).GetMetadata(reader.Schema.FindDataField(name))!;
        var bytes = file.ToArray();
        return (bytes, (int)Math.Min(column.MetaData!.DictionaryPageOffset ?? long.MaxValue, column.MetaData.DataPageOffset), bytes.Length - 8 - BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(bytes.Length - 8)));
    }
}
