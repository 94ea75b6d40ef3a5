using System.Buffers.Binary;
using System.Globalization;
using Google.Protobuf;
using MLflow.Server.Otlp.Protos;

namespace MLflow.EndToEnd.Tests.Ui;

/// <summary>A trace to look at, built as an OTLP client would send it.</summary>
public sealed class SceneTrace
{
    private readonly List<Span> _spans = [];
    private readonly byte[] _traceId = new byte[16];

    /// <summary>Starts a trace.</summary>
    /// <param name="number">Makes its ids.</param>
    /// <param name="startMs">Milliseconds since the Unix epoch.</param>
    public SceneTrace(int number, long startMs)
    {
        StartMs = startMs;
        BinaryPrimitives.WriteInt32BigEndian(_traceId, unchecked(number * (int)0x9E3779B1) | 1);
        BinaryPrimitives.WriteInt64BigEndian(_traceId.AsSpan(8), number * 0x5851F42D4C957F2D + 1);
    }

    public long StartMs { get; }

    public string? Session { get; set; }

    public string? User { get; init; }

    public string? ClientRequestId { get; init; }

    public Dictionary<string, string> Tags { get; init; } = [];

    public string Id => "tr-" + Convert.ToHexStringLower(_traceId);

    /// <summary>True while the root has not ended: nothing but spans has been sent then.</summary>
    public bool IsRunning { get; init; }

    public double TotalMs { get; private set; }

    internal SceneSpan Add(int number, int parent, string name, string type, double startMs, double? endMs)
    {
        var origin = StartMs * 1_000_000;
        var span = new Span
        {
            TraceId = ByteString.CopyFrom(_traceId),
            SpanId = SpanId(number),
            ParentSpanId = parent == 0 ? ByteString.Empty : SpanId(parent),
            Name = name,
            StartTimeUnixNano = (ulong)(origin + (long)(startMs * 1e6)),
            EndTimeUnixNano = endMs is { } end ? (ulong)(origin + (long)(end * 1e6)) : 0,
            Status = new Status { Code = endMs is null ? Status.Types.StatusCode.Unset : Status.Types.StatusCode.Ok },
        };
        _spans.Add(span);
        TotalMs = Math.Max(TotalMs, endMs ?? 0);
        var scene = new SceneSpan(span, origin, startMs);
        scene.Set("mlflow.traceRequestId", Id);
        scene.Set("mlflow.spanType", type);
        return scene;
    }

    internal static string SpanIdOf(int number) => Convert.ToHexStringLower(SpanId(number).Span);

    internal ExportTraceServiceRequest ToRequest() => new() { ResourceSpans = { new ResourceSpans { ScopeSpans = { new ScopeSpans { Spans = { _spans } } } } } };

    /// <summary>The body of StartTraceV3.</summary>
    internal object ToInfo(long experimentId, string state)
    {
        var metadata = new Dictionary<string, string> { ["mlflow.trace_schema.version"] = "3", ["mlflow.source.name"] = "kite 2.8.1" };
        if (User is not null)
        {
            metadata["mlflow.trace.user"] = User;
        }

        if (Session is not null)
        {
            metadata["mlflow.trace.session"] = Session;
        }

        return new
        {
            trace = new
            {
                trace_info = new
                {
                    trace_id = Id,
                    client_request_id = ClientRequestId,
                    trace_location = new { type = "MLFLOW_EXPERIMENT", mlflow_experiment = new { experiment_id = experimentId.ToString(CultureInfo.InvariantCulture) } },
                    request_time = DateTimeOffset.FromUnixTimeMilliseconds(StartMs).ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture),
                    execution_duration = (TotalMs / 1000).ToString("0.000", CultureInfo.InvariantCulture) + "s",
                    state,
                    trace_metadata = metadata,
                    tags = new Dictionary<string, string>(Tags) { ["mlflow.traceName"] = _spans[0].Name },
                },
            },
        };
    }

    internal string State => _spans[0].Status.Code == Status.Types.StatusCode.Error ? "ERROR" : IsRunning ? "IN_PROGRESS" : "OK";

    private static ByteString SpanId(int number)
    {
        var id = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(id, 0x0B7E_11F2_AC95_0000 + number);
        return ByteString.CopyFrom(id);
    }
}
