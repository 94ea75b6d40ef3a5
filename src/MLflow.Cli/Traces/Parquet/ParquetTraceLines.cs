using System.Text.Json;
using MLflow.Cli.Commands;
using MLflow.Cli.Traces.Import;
using Parquet;
using Parquet.Schema;
using Type = Parquet.Meta.Type;

namespace MLflow.Cli.Traces.Parquet;

/// <summary>Reads the traces of a Parquet file, as lines of JSON. Of the rows only those of one group are in memory.</summary>
internal sealed class ParquetTraceLines : ITraceLines, IAsyncDisposable
{
    /// <summary>What such a file begins with.</summary>
    public static readonly byte[] Magic = "PAR1"u8.ToArray();

    private readonly ParquetReader _reader;
    private readonly EndingStream _file;
    private readonly IReadOnlyDictionary<long, long> _ends;
    private readonly string _path;
    private readonly Dictionary<string, string?[]> _texts = [];
    private readonly Dictionary<string, long?[]> _numbers = [];
    private Dictionary<string, DataField>? _fields;
    private int _group;
    private int _rows;
    private int _row;
    private long _rowsBefore;

    private ParquetTraceLines(ParquetReader reader, EndingStream file, IReadOnlyDictionary<long, long> ends, string path)
    {
        _reader = reader;
        _file = file;
        _ends = ends;
        _path = path;
    }

    public string Piece => "trace";

    /// <summary>Whether a file begins as Parquet does. What cannot be read from its end is read as lines.</summary>
    public static bool IsParquet(Stream file)
    {
        if (!file.CanSeek)
        {
            return false;
        }

        var start = new byte[Magic.Length];
        var read = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        file.Position = 0;
        return read == start.Length && start.AsSpan().SequenceEqual(Magic);
    }

    /// <summary>Opens a file and reads it through, so that one that is broken somewhere is refused before anything of it is sent.</summary>
    /// <exception cref="CommandException">It is not whole, or not a file that an export wrote.</exception>
    public static async Task<ParquetTraceLines> OpenAsync(Stream file, string path, CancellationToken cancellationToken)
    {
        var lines = await ReopenAsync(file, path, cancellationToken);
        try
        {
            await lines.CheckAsync(cancellationToken);
            return lines;
        }
        catch
        {
            await lines.DisposeAsync();
            throw;
        }
    }

    /// <summary>Opens a file that <see cref="OpenAsync"/> has read through before.</summary>
    /// <exception cref="CommandException">It is not whole.</exception>
    public static async Task<ParquetTraceLines> ReopenAsync(Stream file, string path, CancellationToken cancellationToken)
    {
        try
        {
            var ends = ParquetWalk.Check(file, cancellationToken);
            var ending = new EndingStream(file);
            return new ParquetTraceLines(await ParquetReader.CreateAsync(ending, SpanTable.Options, cancellationToken: cancellationToken), ending, ends, path);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw Broken(path, e);
        }
    }

    public async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken cancellationToken)
    {
        if (!await HasRowAsync(cancellationToken))
        {
            return null;
        }

        var traceId = Text(SpanTable.TraceId);
        if (Text(SpanTable.TraceInfo) is not { } info)
        {
            throw new FormatException($"row {RowNumber} of {_path}, the first of trace '{traceId}', has no {SpanTable.TraceInfo}: an export has it on the first row of each trace, and all rows of a trace together");
        }

        using var line = new MemoryStream();
        await using (var json = new Utf8JsonWriter(line, TraceDocument.WriterOptions))
        {
            json.WriteStartObject();
            json.WritePropertyName("info");
            WriteInfo(json, info, traceId);
            json.WriteStartObject("data");
            json.WriteStartArray("spans");
            do
            {
                if (Text(SpanTable.SpanId) is { } spanId)
                {
                    WriteSpan(json, spanId);
                }

                _row++;
            }
            while (await HasRowAsync(cancellationToken) && Text(SpanTable.TraceInfo) is null && Text(SpanTable.TraceId) == traceId);

            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndObject();
        }

        line.WriteByte((byte)'\n');
        return line.ToArray();
    }

    public ValueTask DisposeAsync() => _reader.DisposeAsync();

    private async Task CheckAsync(CancellationToken cancellationToken)
    {
        var fields = _fields ??= Fields();
        var missing = SpanTable.Needed.Concat(SpanTable.NeededNumbers).Where(name => !fields.ContainsKey(name)).ToList();
        if (missing.Count > 0)
        {
            throw new CommandException($"{_path} is Parquet, but no export of traces: it has no column {string.Join(", ", missing)}; see 'Parquet' in docs/cli.md for what it must have");
        }

        var wrong = SpanTable.Needed.Where(name => !SpanTable.IsText(fields[name]) || fields[name].IsArray)
            .Concat(SpanTable.NeededNumbers.Where(name => fields[name].ClrType != typeof(long) || fields[name].IsArray)).ToList();
        if (wrong.Count > 0)
        {
            throw new CommandException(
                $"{_path} is no export of traces: its columns {string.Join(", ", wrong)} hold something else than {string.Join(", ", SpanTable.NeededNumbers)} as whole numbers of 64 bits and the others as text");
        }

        try
        {
            while (await ReadAsync(cancellationToken) is not null)
            {
            }
        }
        catch (FormatException e)
        {
            throw new CommandException($"{_path} cannot be imported: {e.Message}", e);
        }

        (_group, _rows, _row, _rowsBefore) = (0, 0, 0, 0);
    }

    /// <summary>The columns, which are made of the file's index only now.</summary>
    private Dictionary<string, DataField> Fields()
    {
        try
        {
            return _reader.Schema.GetDataFields().Where(field => field.Path.Length == 1).ToDictionary(field => field.Name);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw Broken(_path, e);
        }
    }

    private async ValueTask<bool> HasRowAsync(CancellationToken cancellationToken)
    {
        while (_row == _rows)
        {
            if (_group == _reader.RowGroupCount)
            {
                return false;
            }

            _rowsBefore += _rows;
            try
            {
                await ReadGroupAsync(_reader.OpenRowGroupReader(_group++), cancellationToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                throw Broken(_path, e);
            }
        }

        return true;
    }

    private async Task ReadGroupAsync(ParquetRowGroupReader group, CancellationToken cancellationToken)
    {
        (_rows, _row) = (checked((int)group.RowCount), 0);
        _texts.Clear();
        _numbers.Clear();
        foreach (var name in SpanTable.Needed)
        {
            var values = new string?[_rows];
            await group.ReadAsync(Whole(group, name, Type.BYTE_ARRAY), values.AsMemory(), null, cancellationToken);
            _texts[name] = values;
        }

        foreach (var name in SpanTable.NeededNumbers)
        {
            var values = new long?[_rows];
            await group.ReadAsync<long>(Whole(group, name, Type.INT64), values.AsMemory(), null, cancellationToken);
            _numbers[name] = values;
        }
    }

    /// <summary>
    /// A column that has a value, or none, for each row, and the type of which its index tells; nothing behind it can be read then. Parquet.Net would make up
    /// those that are missing from memory that it used before, write over it what is of another type, and go on to the next column's pages.
    /// </summary>
    private DataField Whole(ParquetRowGroupReader group, string name, Type type)
    {
        var field = (_fields ??= Fields())[name];
        var values = group.GetMetadata(field)?.MetaData;
        if (values?.NumValues != _rows)
        {
            throw new InvalidDataException($"its column {name} has {values?.NumValues ?? 0} values for {_rows} rows");
        }

        if (values.Type != type)
        {
            throw new InvalidDataException($"its column {name} has values of type {values.Type} instead of {type}");
        }

        _file.End = _ends[ParquetWalk.StartOf(values.DataPageOffset, values.IndexPageOffset ?? 0, values.DictionaryPageOffset ?? 0)];
        return field;
    }

    private long RowNumber => _rowsBefore + _row + 1;

    private string? Text(string column) => _texts[column][_row];

    private void WriteInfo(Utf8JsonWriter json, string info, string? traceId)
    {
        var facts = Parse(SpanTable.TraceInfo, info);
        if (facts.ValueKind != JsonValueKind.Object || ApiJson.Text(facts, "trace_id") != traceId)
        {
            throw new FormatException($"row {RowNumber} of {_path}: {SpanTable.TraceInfo} is not that of trace '{traceId}'");
        }

        facts.WriteTo(json);
    }

    private void WriteSpan(Utf8JsonWriter json, string spanId)
    {
        json.WriteStartObject();
        json.WriteString("trace_id", Text(SpanTable.OtelTraceId));
        json.WriteString("span_id", spanId);
        json.WriteString("parent_span_id", Text(SpanTable.ParentSpanId));
        json.WriteString("name", Text(SpanTable.Name));
        WriteNumber(json, SpanTable.Start);
        WriteNumber(json, SpanTable.End);
        json.WriteStartObject("status");
        json.WriteString("code", $"STATUS_CODE_{Text(SpanTable.Status) ?? "UNSET"}");
        json.WriteString("message", Text(SpanTable.StatusMessage) ?? "");
        json.WriteEndObject();
        json.WriteStartObject("attributes");
        foreach (var member in Object(SpanTable.Attributes))
        {
            json.WriteString(member.Name, member.Value.GetRawText());
        }

        WriteAttribute(json, AttributeNames.Inputs, SpanTable.Inputs);
        WriteAttribute(json, AttributeNames.Outputs, SpanTable.Outputs);
        json.WriteEndObject();
        json.WritePropertyName("events");
        (Text(SpanTable.Events) is { } events ? Parse(SpanTable.Events, events) : JsonElement.Parse("[]")).WriteTo(json);
        foreach (var member in Object(SpanTable.Other))
        {
            member.WriteTo(json);
        }

        json.WriteEndObject();
    }

    private void WriteNumber(Utf8JsonWriter json, string column)
    {
        if (_numbers[column][_row] is { } number)
        {
            json.WriteNumber(column, number);
        }
    }

    private void WriteAttribute(Utf8JsonWriter json, string attribute, string column)
    {
        if (Text(column) is { } text)
        {
            Parse(column, text);
            json.WriteString(attribute, text);
        }
    }

    private JsonElement.ObjectEnumerator Object(string column)
    {
        if (Text(column) is not { } text)
        {
            return default;
        }

        var value = Parse(column, text);
        return value.ValueKind == JsonValueKind.Object ? value.EnumerateObject() : throw new FormatException($"row {RowNumber} of {_path}: {column} is no JSON object");
    }

    private JsonElement Parse(string column, string text)
    {
        try
        {
            return JsonElement.Parse(text, TraceDocument.ReaderOptions);
        }
        catch (JsonException e)
        {
            throw new FormatException($"row {RowNumber} of {_path}: {column} is no JSON: {e.Message}", e);
        }
    }

    private static CommandException Broken(string path, Exception e) =>
        new($"{path} is no whole Parquet file, nothing was imported: {e.Message.TrimEnd('.')}; its index stands at its end, so export or copy it again", e);
}
