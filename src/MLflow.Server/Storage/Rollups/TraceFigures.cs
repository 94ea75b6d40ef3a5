using MLflow.Server.Pricing;
using MLflow.Server.Traces.Analysis;

namespace MLflow.Server.Storage.Rollups;

/// <summary>Figures of traces that can be added. Sums are doubles, as in the SQL: what strangers send may add up to more than an integer holds.</summary>
internal sealed class TraceFigures
{
    private readonly LogHistogram _latency = new();
    private readonly LogHistogram _firstToken = new();
    private long _traces;
    private long _failed;
    private double _inputTokens;
    private double _cachedTokens;
    private double _outputTokens;
    private long _priced;
    private double _inputCost;
    private double _outputCost;
    private double _unpricedCalls;

    public TraceFigures()
    {
    }

    private TraceFigures(BinaryReader reader)
    {
        _latency = LogHistogram.Read(reader);
        _firstToken = LogHistogram.Read(reader);
        _traces = reader.ReadInt64();
        _failed = reader.ReadInt64();
        _inputTokens = reader.ReadDouble();
        _cachedTokens = reader.ReadDouble();
        _outputTokens = reader.ReadDouble();
        _priced = reader.ReadInt64();
        _inputCost = reader.ReadDouble();
        _outputCost = reader.ReadDouble();
        _unpricedCalls = reader.ReadDouble();
    }

    public bool IsEmpty => _traces == 0;

    public void Add(RolledTrace trace)
    {
        _traces++;
        _failed += trace.HasFailed ? 1 : 0;
        if (trace.DurationMs is { } duration)
        {
            _latency.Add(duration);
        }

        if (trace.FirstTokenMs is { } firstToken)
        {
            _firstToken.Add(firstToken);
        }

        _inputTokens += trace.InputTokens ?? 0;
        _cachedTokens += trace.CachedInputTokens ?? 0;
        _outputTokens += trace.OutputTokens ?? 0;
        _priced += trace.InputCost is null && trace.OutputCost is null ? 0 : 1;
        _inputCost += trace.InputCost ?? 0;
        _outputCost += trace.OutputCost ?? 0;
        _unpricedCalls += trace.UnpricedCalls;
    }

    public void Add(TraceFigures other)
    {
        _latency.Add(other._latency);
        _firstToken.Add(other._firstToken);
        _traces += other._traces;
        _failed += other._failed;
        _inputTokens += other._inputTokens;
        _cachedTokens += other._cachedTokens;
        _outputTokens += other._outputTokens;
        _priced += other._priced;
        _inputCost += other._inputCost;
        _outputCost += other._outputCost;
        _unpricedCalls += other._unpricedCalls;
    }

    public OverviewFigures ToFigures() => new()
    {
        Traces = _traces,
        Failed = _failed,
        LatencyP50 = _latency.Percentile(50),
        LatencyP95 = _latency.Percentile(95),
        FirstTokenP50 = _firstToken.Percentile(50),
        InputTokens = (long)_inputTokens,
        CachedTokens = (long)_cachedTokens,
        OutputTokens = (long)_outputTokens,
        Cost = _priced == 0 ? null : new CallCost((long)_inputCost, (long)_outputCost),
        UnpricedCalls = (long)_unpricedCalls,
    };

    public void Write(BinaryWriter writer)
    {
        _latency.Write(writer);
        _firstToken.Write(writer);
        writer.Write(_traces);
        writer.Write(_failed);
        writer.Write(_inputTokens);
        writer.Write(_cachedTokens);
        writer.Write(_outputTokens);
        writer.Write(_priced);
        writer.Write(_inputCost);
        writer.Write(_outputCost);
        writer.Write(_unpricedCalls);
    }

    public static TraceFigures Read(BinaryReader reader) => new(reader);
}
