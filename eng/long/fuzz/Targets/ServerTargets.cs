using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using MLflow.Server;
using MLflow.Server.Access;
using MLflow.Server.Conventions;
using MLflow.Server.Experiments;
using MLflow.Server.Otlp;
using MLflow.Server.Otlp.Protos;
using MLflow.Server.Pricing;
using MLflow.Server.Rest;
using MLflow.Server.Runs;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Storage.Sqlite;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Filters;
using ServerException = MLflow.Server.MlflowException;

namespace MLflow.Fuzz;

/// <summary>What the server reads of others.</summary>
internal sealed class ServerTargets : IAsyncDisposable
{
    private static readonly string[] Encodings = ["", OtlpCompression.Gzip, OtlpCompression.Deflate, OtlpCompression.Zstd];

    private static readonly MlflowServerLimits Limits = new();

    private readonly CallPricer _pricer = new(PriceTable.Shipped);
    private readonly OtlpBudget _budget = new(Limits);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mlflow-fuzz-");
    private readonly SqliteDatabase _database;
    private readonly SqliteTraceStore _store;
    private readonly SqliteExperimentStore _experiments;
    private readonly SqliteRunStore _runs;

    public ServerTargets()
    {
        _database = SqliteDatabase.Open(Path.Combine(_folder.FullName, "mlflow.db"), TimeProvider.System);
        _store = new SqliteTraceStore(_database);
        _experiments = new SqliteExperimentStore(_database);
        _runs = new SqliteRunStore(_database);
        var spans = OtlpDecoder.Decode(OtlpJson.Parse(TraceSeeds.OtlpTraces[0], new ExportTraceServiceRequest()), Limits).Spans;
        Wait(_store.WriteAsync(new TraceBatch { Spans = spans, Infos = [TraceInfoJson.ReadStartTrace(RequestJson.Parse(ServerSeeds.StartTrace, Limits))] }, CancellationToken.None));
    }

    public IReadOnlyList<FuzzTarget> All =>
    [
        new("OTLP traces, protobuf", [.. TraceSeeds.OtlpTraces.Select(json => OtlpJson.Parse(json, new ExportTraceServiceRequest()).ToByteArray()), .. ServerSeeds.Recorded("traces.*pb")], OtlpProtobuf_, ProtobufMutations.Mutate),
        new("OTLP traces, JSON", [.. TraceSeeds.OtlpTraces, .. ServerSeeds.Recorded("traces.*json")], OtlpJson_, TextMutations.Mutate),
        new("OTLP logs, both", [.. ServerSeeds.OtlpLogs, .. ServerSeeds.OtlpLogs.Select(json => OtlpJson.Parse(json, new ExportLogsServiceRequest()).ToByteArray()), .. ServerSeeds.Recorded("logs.*")], Logs, MutateLogs),
        new("compressed bodies", [.. Encodings.SelectMany((_, i) => TraceSeeds.OtlpTraces.Select(json => Compressed(i, json)))], Body, ByteMutations.Mutate),
        new("gRPC messages", [.. Encodings.SelectMany((_, i) => TraceSeeds.OtlpTraces.Select(json => Framed(Compressed(i, json))))], Grpc, ByteMutations.Mutate),
        new("calls to be recorded", ServerSeeds.Calls, Call, ProtobufMutations.Mutate),
        new("traces.json", TraceSeeds.TracesJson, TracesJson, TextMutations.Mutate),
        new("requests in JSON", ServerSeeds.Requests, Request, TextMutations.Mutate),
        new("headers", ServerSeeds.Headers, Headers, TextMutations.Mutate),
        new("filters and orders", ServerSeeds.Filters, Filter, TextMutations.Mutate) { IsNoisy = true },
        new("conventions", [.. ServerSeeds.Conventions, .. ServerSeeds.RecordedSpans()], Convention, TextMutations.Mutate),
    ];

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private void OtlpProtobuf_(byte[] input) => Allow<OtlpException>(() => Take(OtlpProtobuf.Parse(input, new ExportTraceServiceRequest(), Limits)));

    private static void Call(byte[] input) => Allow<OtlpException>(() =>
    {
        var span = new Span { TraceId = ByteString.CopyFromUtf8("0123456789abcdef"), SpanId = ByteString.CopyFrom(1, 2, 3, 4, 5, 6, 7, 8), Name = "s", StartTimeUnixNano = 1, EndTimeUnixNano = 2 };
        var (_, facts) = OtlpCalls.Record(span, ByteString.CopyFrom(input), "0");

        // What the caller says of its program stands in them as it was sent.
        Allow<ServerException>(() => TraceInfoJson.ReadStartTrace(RequestJson.Parse(facts, Limits)));
    });

    private void OtlpJson_(byte[] input) => Allow<OtlpException>(() => Take(OtlpJson.Parse(input, new ExportTraceServiceRequest())));

    private void Logs(byte[] input) => Allow<OtlpException>(() =>
    {
        var request = input is [(byte)'{', ..] ? OtlpJson.Parse(input, new ExportLogsServiceRequest()) : OtlpProtobuf.Parse(input, new ExportLogsServiceRequest(), Limits);
        foreach (var log in OtlpLogDecoder.Decode(request, Limits, out _))
        {
            Store([new SpanRecord { TraceId = "tr-1", OtelTraceId = log.OtelTraceId, SpanId = log.SpanId, Name = "chat", Type = "UNKNOWN", StartNs = 1, EndNs = 2 }], log.Event);
        }
    });

    private static byte[] MutateLogs(Random random, byte[] input, byte[] other) =>
        input is [(byte)'{', ..] ? TextMutations.Mutate(random, input, other) : ProtobufMutations.Mutate(random, input, other);

    private void Body(byte[] input) => Allow<OtlpException>(() =>
    {
        var context = new DefaultHttpContext();
        context.Request.Headers.ContentEncoding = input.Length == 0 ? "" : Encodings[input[0] % Encodings.Length];
        context.Request.Body = new MemoryStream(input, Math.Min(1, input.Length), Math.Max(0, input.Length - 1));
        using var body = Wait(OtlpBody.ReadAsync(context.Request, _budget, CancellationToken.None));
        OtlpProtobuf.Parse(body.Bytes, new ExportTraceServiceRequest(), Limits);
    });

    /// <summary>As the library reads a message: it waits for it whole, by the length of its prefix, and unfolds it as far as it goes.</summary>
    private void Grpc(byte[] input) => Allow<RpcException>(() => Allow<OtlpException>(() =>
    {
        const int prefixBytes = 5;
        using var share = new OtlpShare(_budget);
        OtlpShare.Current = share;
        var body = new OtlpGrpcBody(PipeReader.Create(new MemoryStream(input, Math.Min(1, input.Length), Math.Max(0, input.Length - 1))), share);
        ReadResult read;
        while (!(read = Wait(body.ReadAsync().AsTask())).IsCompleted)
        {
            body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }

        var frame = read.Buffer.ToArray();
        if (frame.Length < prefixBytes || BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(1)) > frame.Length - prefixBytes)
        {
            return;
        }

        var message = frame.AsMemory(prefixBytes, (int)BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(1))).ToArray();
        var encoding = Encodings[input[0] % Encodings.Length];
        if (frame[0] == 1 && encoding.Length > 0)
        {
            using var unfolded = new MemoryStream();
            using var stream = new GrpcCompression(encoding).CreateDecompressionStream(new MemoryStream(message));
            stream.CopyTo(unfolded);
            message = unfolded.ToArray();
        }

        OtlpProtobuf.Parse(message, new ExportTraceServiceRequest(), Limits);
    }));

    private void TracesJson(byte[] input) => Allow<ServerException>(() =>
    {
        var spans = TraceDataJson.Read(input, "tr-" + new string('1', 32));
        WriteMembers(writer => TraceDataJson.Write(writer, spans, plain: false));
        WriteMembers(writer => TraceDataJson.Write(writer, spans, plain: true));
        Store(spans);
    });

    private void Take(ExportTraceServiceRequest request)
    {
        var traces = OtlpDecoder.Decode(request, Limits);
        foreach (var facts in traces.Facts)
        {
            Allow<ServerException>(() => TraceInfoJson.ReadStartTrace(RequestJson.Parse(facts, Limits)));
        }

        Store(traces.Spans);
    }

    private static void Request(byte[] input)
    {
        RequestJson? parsed = null;
        Allow<ServerException>(() => parsed = RequestJson.Parse(Encoding.UTF8.GetString(input), Limits));
        if (parsed is not { } json)
        {
            return;
        }

        Allow<ServerException>(() => Write(writer => TraceInfoJson.Write(writer, TraceInfoJson.ReadStartTrace(json))));
        Allow<ServerException>(() => Write(writer => TraceInfoV2Json.Write(writer, TraceInfoJson.Read(json))));
        Allow<ServerException>(() => Write(writer => AssessmentJson.Write(writer, AssessmentJson.ReadOfTrace(json.Object("assessment") ?? json, "tr-1", 1))));
        Allow<ServerException>(() => AssessmentJson.ReadChange(json.Object("assessment") ?? json, json.String("update_mask") ?? "feedback,expectation,rationale,metadata,assessment_name"));
        Allow<ServerException>(() => RunJson.ReadTags(json));
        Allow<ServerException>(() => json.Objects("metrics").Select(RunJson.ReadMetric).ToList());
        Allow<ServerException>(() => json.Objects("params").Select(RunJson.ReadParam).ToList());
        Allow<ServerException>(() => json.Pairs("tags"));
        Allow<ServerException>(() => (json.Int64("max_results"), json.Double("value"), json.Boolean("include_spans")));
        Allow<ServerException>(() => json.Strings("order_by"));
    }

    private static void Headers(byte[] input)
    {
        var text = Encoding.UTF8.GetString(input);
        var context = new DefaultHttpContext();
        context.Request.Headers.Authorization = text;
        context.Request.Headers[OtlpSender.ExperimentIdHeader] = text;
        if (OtlpSender.Of(context.Request).Token is { } token && TokenSecret.TryParse(token, out var secret))
        {
            secret.Hash();
        }

        OriginAllowList.Parse(text);
        HostAllowList.IsEntry(text);
    }

    private void Filter(byte[] input)
    {
        var text = Encoding.UTF8.GetString(input);
        Allow<ServerException>(() => TraceFilter.Parse(text));
        Allow<ServerException>(() => Wait(_store.SearchAsync(new TraceQuery { ExperimentIds = [0], Filter = text }, CancellationToken.None)));
        Allow<ServerException>(() => Wait(_store.SearchAsync(new TraceQuery { ExperimentIds = [0], OrderBy = [text] }, CancellationToken.None)));
        Allow<ServerException>(() => Wait(_store.SearchAsync(new TraceQuery { ExperimentIds = [0], PageToken = text }, CancellationToken.None)));
        Allow<ServerException>(() => Wait(_experiments.SearchAsync(new ExperimentQuery { Filter = text }, CancellationToken.None)));
        Allow<ServerException>(() => Wait(_runs.SearchAsync(new RunQuery { ExperimentIds = [0], Filter = text }, CancellationToken.None)));
    }

    private void Convention(byte[] input)
    {
        var span = Span(input);
        if (span is null)
        {
            return;
        }

        var mapped = ConventionMapper.Map(span, []);
        if (!(mapped.Sent ?? mapped).Attributes.SequenceEqual(span.Attributes))
        {
            throw new InvalidOperationException("What was sent is not kept.");
        }

        foreach (var pair in mapped.Mapped)
        {
            // Deeper by what the mapping puts around it.
            JsonDocument.Parse(pair.Value, new JsonDocumentOptions { MaxDepth = 2 * StoredJson.MaxDepth }).Dispose();
        }

        Store([span]);
    }

    /// <summary>Null where the input is no object.</summary>
    private static SpanRecord? Span(byte[] input)
    {
        try
        {
            using var document = JsonDocument.Parse(RequestJson.WholeCharacters(input), new JsonDocumentOptions { MaxDepth = StoredJson.MaxDepth });
            return document.RootElement.ValueKind != JsonValueKind.Object ? null : new SpanRecord
            {
                TraceId = "tr-1",
                OtelTraceId = new string('1', 32),
                SpanId = new string('1', 16),
                Name = "s",
                Type = SpanType.Unknown,
                StartNs = 1,
                EndNs = 2,
                ScopeName = document.RootElement.TryGetProperty("scope", out var scope) && scope.ValueKind == JsonValueKind.String ? scope.GetString() : null,
                Attributes = [.. document.RootElement.EnumerateObject().Where(member => member.Name is not ("scope" or "events")).Select(member => KeyValuePair.Create(member.Name, member.Value.GetRawText()))],
                Events = document.RootElement.TryGetProperty("events", out var events) && events.ValueKind == JsonValueKind.Object
                    ? [.. events.EnumerateObject().Select((e, i) => new SpanEventRecord(e.Name, i, [new(SpanEventRecord.Body, e.Value.GetRawText()), new("gen_ai.event.content", e.Value.GetRawText())]))]
                    : [],
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>All that is done to spans before and after the database.</summary>
    private void Store(IReadOnlyList<SpanRecord> spans, params SpanEventRecord[] logs)
    {
        foreach (var trace in TraceRows.From(spans, _pricer))
        {
            var rows = logs.Length == 0 ? trace : trace.With(new Dictionary<(string, string), List<SpanEventRecord>> { [(spans[0].OtelTraceId, spans[0].SpanId)] = [.. logs] });
            foreach (var row in rows.Spans)
            {
                var owner = PayloadFrame.OwnerOf(row.Codec, row.Payload) is { } id ? rows.Spans.Single(other => other.Record.SpanId == id).Payload : null;
                var stored = SpanPayload.Decode(row.Record with { Attributes = [], Events = [], Sent = null, Mapped = [] }, row.Codec, row.Payload, owner);
                Write(writer => SpanJson.Write(writer, stored));
                if (!stored.Attributes.SequenceEqual(row.Record.Attributes))
                {
                    throw new InvalidOperationException("The attributes come back otherwise than they were stored.");
                }
            }
        }
    }

    private static void Write(Action<Utf8JsonWriter> write)
    {
        using var writer = new Utf8JsonWriter(Stream.Null, JsonAnswer.Options);
        write(writer);
    }

    private static void WriteMembers(Action<Utf8JsonWriter> write) => Write(writer =>
    {
        writer.WriteStartObject();
        write(writer);
        writer.WriteEndObject();
    });

    private static void Allow<T>(Action run)
        where T : Exception
    {
        try
        {
            run();
        }
        catch (T e) when (e is not ServerException { ErrorCode: ErrorCode.INTERNAL_ERROR } && e is not OtlpException { StatusCode: >= StatusCodes.Status500InternalServerError })
        {
            // A refusal, as promised.
        }
    }

    private static void Allow<T>(Func<object?> run)
        where T : Exception => Allow<T>(() => { _ = run(); });

    private static void Wait(Task task) => task.GetAwaiter().GetResult();

    private static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();

    private static byte[] Compressed(int encoding, byte[] json)
    {
        var message = OtlpJson.Parse(json, new ExportTraceServiceRequest()).ToByteArray();
        using var output = new MemoryStream();
        output.WriteByte((byte)encoding);
        using (Stream stream = Encodings[encoding] switch
        {
            OtlpCompression.Gzip => new GZipStream(output, CompressionLevel.Fastest, leaveOpen: true),
            OtlpCompression.Deflate => new ZLibStream(output, CompressionLevel.Fastest, leaveOpen: true),
            OtlpCompression.Zstd => new ZstdSharp.CompressionStream(output, leaveOpen: true),
            _ => new BufferedStream(output),
        })
        {
            stream.Write(message);
            stream.Flush();
            return Encodings[encoding].Length == 0 ? output.ToArray() : Closed(stream, output);
        }
    }

    /// <summary>A compressed body as a message of gRPC.</summary>
    private static byte[] Framed(byte[] compressed)
    {
        var length = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(length, (uint)(compressed.Length - 1));
        return [compressed[0], compressed[0] == 0 ? (byte)0 : (byte)1, .. length, .. compressed.AsSpan(1)];
    }

    private static byte[] Closed(Stream stream, MemoryStream output)
    {
        stream.Dispose();
        return output.ToArray();
    }
}
