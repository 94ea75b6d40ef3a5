using System.Diagnostics;
using Microsoft.Data.Sqlite;
using ZstdSharp;

namespace MLflow.Benchmarks.Server;

/// <summary>What payloads weigh, and what they cost, by each way to compress them: alone, with a trained dictionary, with another span of their trace, all spans of a trace together.</summary>
internal static class CompressionPart
{
    private const int Traces = 400;
    private const int Histories = 20;
    private const int Turns = 20;
    private const int TrainingTraces = 400;
    private const int DictionaryBytes = 110 * 1024;
    private const int CompressFrom = 256;

    public static async Task RunAsync()
    {
        using var report = new Report("compression");
        var (training, _) = await PayloadsAsync(Bodies(new AgentTraces(seed: 18), TrainingTraces));
        var dictionary = DictBuilder.TrainFromBuffer(training.SelectMany(trace => trace).ToList(), DictionaryBytes);
        report.Line($"Payloads as the server keeps them, beside the bytes of OTLP that brought them; µs for a span, on one thread. The dictionary of {dictionary.Length / 1024} KiB is trained on traces of other applications.");
        report.Line($"4,000 characters of the text that the traces are made of: {Enumerable.Range(0, 50).Average(i => Alone(System.Text.Encoding.UTF8.GetBytes(new Prose(new Random(i)).Text(4000)), 1, null).Length / 4000.0):0.00} of them.");
        report.Line();
        report.Line($"| | level | agents: bytes | write, µs | read, µs | {Turns}-turn histories: bytes | write, µs | read, µs |");
        report.Line($"|---|---|---|---|---|---|---|---|");
        var agents = await PayloadsAsync(Bodies(new AgentTraces(), Traces));
        var histories = await PayloadsAsync(Enumerable.Range(0, Histories).Select(i => new AgentTraces().History(i, Turns)));
        foreach (var level in new[] { 1, 2, 3 })
        {
            Measure(report, "each span alone", level, agents, histories, spans => [.. spans.Select(span => Alone(span, level, null))], frames => [.. frames.Select(frame => Unwrap(frame, null))]);
            Measure(report, "each span with the dictionary", level, agents, histories, spans => [.. spans.Select(span => Alone(span, level, dictionary))], frames => [.. frames.Select(frame => Unwrap(frame, dictionary))]);
            Measure(report, "each span with the trace's largest", level, agents, histories, spans => WithLargest(spans, level), ReadWithLargest);
            Measure(report, "the trace's spans together", level, agents, histories, spans => [Alone([.. spans.SelectMany(span => span)], level, null)], frames => [.. frames.Select(frame => Unwrap(frame, null))]);
        }
    }

    private static IEnumerable<byte[]> Bodies(AgentTraces traces, int count) => Enumerable.Range(0, count / 10).Select(i => traces.Request(i * 10, 10));

    private static void Measure(
        Report report, string name, int level, (List<byte[][]> Traces, long Otlp) agents, (List<byte[][]> Traces, long Otlp) histories, Func<byte[][], byte[][]> write, Func<byte[][], byte[][]> read)
    {
        var a = Run(agents, write, read);
        var h = Run(histories, write, read);
        report.Line($"| {name} | {level} | {a.Ratio:0.000} | {a.Write:0} | {a.Read:0} | {h.Ratio:0.000} | {h.Write:0} | {h.Read:0} |");
    }

    private static (double Ratio, double Write, double Read) Run((List<byte[][]> Traces, long Otlp) payloads, Func<byte[][], byte[][]> write, Func<byte[][], byte[][]> read)
    {
        payloads.Traces.Take(20).ToList().ForEach(trace => read(write(trace)));
        var started = Stopwatch.GetTimestamp();
        var written = payloads.Traces.ConvertAll(trace => write(trace));
        var writing = Stopwatch.GetElapsedTime(started);
        started = Stopwatch.GetTimestamp();
        written.ForEach(frames => read(frames));
        var reading = Stopwatch.GetElapsedTime(started);
        var spans = payloads.Traces.Sum(trace => trace.Length);
        return (written.Sum(frames => frames.Sum(frame => (long)frame.Length)) / (double)payloads.Otlp, writing.TotalMicroseconds / spans, reading.TotalMicroseconds / spans);
    }

    private static readonly Dictionary<(int, byte[]?), Compressor> Compressors = [];
    private static readonly Dictionary<byte[], Decompressor> Decompressors = [];
    private static readonly Decompressor Plain = new();

    private static byte[] Alone(byte[] json, int level, byte[]? dictionary)
    {
        if (json.Length < CompressFrom)
        {
            return json;
        }

        if (!Compressors.TryGetValue((level, dictionary), out var compressor))
        {
            Compressors.Add((level, dictionary), compressor = new Compressor(level));
            if (dictionary is not null)
            {
                compressor.LoadDictionary(dictionary);
            }
        }

        return compressor.Wrap(json).ToArray();
    }

    private static byte[] Unwrap(byte[] frame, byte[]? dictionary)
    {
        if (frame.Length < 4 || BitConverter.ToUInt32(frame) != 0xFD2FB528)
        {
            return frame;
        }

        if (dictionary is null)
        {
            return Plain.Unwrap(frame).ToArray();
        }

        if (!Decompressors.TryGetValue(dictionary, out var decompressor))
        {
            Decompressors.Add(dictionary, decompressor = new Decompressor());
            decompressor.LoadDictionary(dictionary);
        }

        return decompressor.Unwrap(frame).ToArray();
    }

    private static byte[][] WithLargest(byte[][] spans, int level)
    {
        var largest = spans.MaxBy(span => span.Length)!;
        using var compressor = new Compressor(level);
        compressor.LoadDictionary(largest);
        return [Alone(largest, level, null), .. spans.Where(span => span != largest).Select(span => compressor.Wrap(span).ToArray())];
    }

    private static byte[][] ReadWithLargest(byte[][] frames)
    {
        var largest = Unwrap(frames[0], null);
        using var decompressor = new Decompressor();
        decompressor.LoadDictionary(largest);
        return [largest, .. frames.Skip(1).Select(frame => decompressor.Unwrap(frame).ToArray())];
    }

    /// <summary>The payloads that a server makes of requests, not compressed, by their traces.</summary>
    private static async Task<(List<byte[][]> Traces, long Otlp)> PayloadsAsync(IEnumerable<byte[]> bodies)
    {
        var folder = Directory.CreateTempSubdirectory("mlflow-benchmark-");
        var database = Path.Combine(folder.FullName, "server.db");
        var otlp = 0L;
        await using (var server = await ServerProcess.StartAsync("sqlite:///" + database, folder.FullName))
        {
            foreach (var body in bodies)
            {
                otlp += body.Length;
                await server.ExportAsync(body);
            }
        }

        await using var connection = new SqliteConnection($"Data Source={database};Pooling=false");
        connection.Open();
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT trace_id, span_id, codec, payload FROM span_payloads ORDER BY rowid";
        await using var reader = await command.ExecuteReaderAsync();
        var payloads = new List<(string Trace, string Span, int Codec, byte[] Payload)>();
        while (await reader.ReadAsync())
        {
            payloads.Add((reader.GetString(0), reader.GetString(1), reader.GetInt32(2), reader.GetFieldValue<byte[]>(3)));
        }

        await reader.DisposeAsync();
        await connection.CloseAsync();
        folder.Delete(recursive: true);
        return (payloads.GroupBy(payload => payload.Trace).Select(ofTrace => Json([.. ofTrace.Select(row => (row.Span, row.Codec, row.Payload))])).ToList(), otlp);
    }

    /// <summary>See the server's PayloadFrame for how payloads are written.</summary>
    private static byte[][] Json((string Span, int Codec, byte[] Payload)[] rows)
    {
        var frames = rows.Where(row => row.Codec == 2).ToDictionary(row => row.Span, row => Unwrap(row.Payload[Varint(row.Payload, 0).End..], null));
        return Array.ConvertAll(rows, row =>
        {
            switch (row.Codec)
            {
                case 2:
                    return frames[row.Span][..Varint(row.Payload, 0).Value];
                case 3:
                    var offset = Varint(row.Payload, 12);
                    return frames[Convert.ToHexStringLower(row.Payload.AsSpan(0, 8))].AsSpan(offset.Value, Varint(row.Payload, offset.End).Value).ToArray();
                default:
                    return Unwrap(row.Payload, null);
            }
        });
    }

    private static (int Value, int End) Varint(byte[] bytes, int at)
    {
        var value = 0;
        for (var shift = 0; ; shift += 7)
        {
            value |= (bytes[at] & 0x7f) << shift;
            if (bytes[at++] < 0x80)
            {
                return (value, at);
            }
        }
    }
}
