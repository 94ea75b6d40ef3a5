using Parquet;
using Parquet.Schema;

namespace MLflow.Cli.Traces.Parquet;

/// <summary>Writes spans as rows of one file, in groups: of the rows only those of one group are in memory, of the groups before only their places in the index.</summary>
internal sealed class ParquetTraceWriter : IAsyncDisposable
{
    /// <summary>A group ends with the row with which it reaches one of these.</summary>
    public const int EnoughRows = 5_000;
    public const int EnoughChars = 2 << 20;

    private readonly ParquetWriter _writer;
    private readonly List<object?>[] _columns = [.. SpanTable.Columns.Select(_ => new List<object?>())];
    private long _chars;

    private ParquetTraceWriter(ParquetWriter writer) => _writer = writer;

    public static async Task<ParquetTraceWriter> CreateAsync(Stream output, CancellationToken cancellationToken) =>
        new(await ParquetWriter.CreateAsync(SpanTable.Schema, output, SpanTable.Options, cancellationToken: cancellationToken));

    /// <summary>Rows and characters that were written, those of the group that is begun included.</summary>
    public (long Rows, long Chars) Written { get; private set; }

    public async Task WriteAsync(TraceDocument trace, CancellationToken cancellationToken)
    {
        if (trace.Spans.Count == 0)
        {
            await AddAsync(new SpanTableRow(trace, null, isFirst: true), cancellationToken);
        }

        for (var i = 0; i < trace.Spans.Count; i++)
        {
            await AddAsync(new SpanTableRow(trace, trace.Spans[i], isFirst: i == 0), cancellationToken);
        }
    }

    /// <summary>Writes the last group. The index follows when the writer is disposed.</summary>
    public Task FinishAsync(CancellationToken cancellationToken) => _columns[0].Count > 0 ? WriteGroupAsync(cancellationToken) : Task.CompletedTask;

    public ValueTask DisposeAsync() => _writer.DisposeAsync();

    private async Task AddAsync(SpanTableRow row, CancellationToken cancellationToken)
    {
        var chars = 0L;
        for (var i = 0; i < _columns.Length; i++)
        {
            var value = SpanTable.Columns[i].Value(row);
            _columns[i].Add(value);
            chars += value is string text ? text.Length : sizeof(long);
        }

        _chars += chars;
        Written = (Written.Rows + 1, Written.Chars + chars);
        if (_columns[0].Count >= EnoughRows || _chars >= EnoughChars)
        {
            await WriteGroupAsync(cancellationToken);
        }
    }

    private async Task WriteGroupAsync(CancellationToken cancellationToken)
    {
        using var group = _writer.CreateRowGroup();
        for (var i = 0; i < _columns.Length; i++)
        {
            await WriteColumnAsync(group, SpanTable.Columns[i].Field, _columns[i], cancellationToken);
            _columns[i].Clear();
        }

        group.CompleteValidate();
        _chars = 0;
    }

    private static Task WriteColumnAsync(ParquetRowGroupWriter group, DataField field, List<object?> values, CancellationToken cancellationToken)
    {
        if (SpanTable.IsText(field))
        {
            return group.WriteAsync(field, values.ConvertAll(value => (string?)value));
        }

        return field.ClrType == typeof(long) ? group.WriteAsync<long>(field, Nullable<long>(values), cancellationToken: cancellationToken)
            : field.ClrType == typeof(double) ? group.WriteAsync<double>(field, Nullable<double>(values), cancellationToken: cancellationToken)
            : group.WriteAsync<DateTime>(field, Nullable<DateTime>(values), cancellationToken: cancellationToken);
    }

    private static ReadOnlyMemory<T?> Nullable<T>(List<object?> values)
        where T : struct => values.ConvertAll(value => (T?)value).ToArray();
}
