using MLflow.Server.Pricing;
using MLflow.Server.Traces.Analysis;

namespace MLflow.Server.Storage.Rollups;

/// <summary>Figures of the calls of a model, or of the runs of a tool, that can be added.</summary>
internal sealed class CallFigures
{
    private readonly LogHistogram _duration = new();
    private readonly LogHistogram _firstToken = new();
    private long _failed;
    private double _streamedTokens;
    private double _streamedSeconds;
    private double _inputTokens;
    private double _cachedTokens;
    private long _priced;
    private double _inputCost;
    private double _outputCost;

    public CallFigures()
    {
    }

    private CallFigures(BinaryReader reader)
    {
        _duration = LogHistogram.Read(reader);
        _firstToken = LogHistogram.Read(reader);
        Calls = reader.Read7BitEncodedInt64();
        _failed = reader.Read7BitEncodedInt64();
        _streamedTokens = reader.ReadDouble();
        _streamedSeconds = reader.ReadDouble();
        _inputTokens = reader.ReadDouble();
        _cachedTokens = reader.ReadDouble();
        _priced = reader.Read7BitEncodedInt64();
        _inputCost = reader.ReadDouble();
        _outputCost = reader.ReadDouble();
    }

    public long Calls { get; private set; }

    public void Add(RolledSpan span)
    {
        Calls++;
        _failed += span.HasFailed ? 1 : 0;
        if (span.DurationMs is { } duration)
        {
            _duration.Add(duration);
        }

        if (span.FirstTokenMs is { } firstToken)
        {
            _firstToken.Add(firstToken);
        }

        if (span.StreamedSeconds is { } seconds)
        {
            _streamedTokens += span.OutputTokens!.Value;
            _streamedSeconds += seconds;
        }

        _inputTokens += span.InputTokens ?? 0;
        _cachedTokens += span.CachedInputTokens ?? 0;
        _priced += span.InputCost is null && span.OutputCost is null ? 0 : 1;
        _inputCost += span.InputCost ?? 0;
        _outputCost += span.OutputCost ?? 0;
    }

    public void Add(CallFigures other)
    {
        _duration.Add(other._duration);
        _firstToken.Add(other._firstToken);
        Calls += other.Calls;
        _failed += other._failed;
        _streamedTokens += other._streamedTokens;
        _streamedSeconds += other._streamedSeconds;
        _inputTokens += other._inputTokens;
        _cachedTokens += other._cachedTokens;
        _priced += other._priced;
        _inputCost += other._inputCost;
        _outputCost += other._outputCost;
    }

    public ModelFigures OfModel(string model) => new()
    {
        Model = model,
        Calls = Calls,
        Failed = _failed,
        DurationP50 = _duration.Percentile(50),
        FirstTokenP50 = _firstToken.Percentile(50),
        TokensPerSecond = _streamedSeconds > 0 ? _streamedTokens / _streamedSeconds : null,
        InputTokens = (long)_inputTokens,
        CachedTokens = (long)_cachedTokens,
        Cost = _priced == 0 ? null : new CallCost((long)_inputCost, (long)_outputCost),
    };

    public PieceCalls OfPiece(string name, int piece) => new(name, piece, Calls, _failed);

    public ToolFigures OfTool(string tool) => new(tool, Calls, _failed, _duration.Percentile(50), _duration.Percentile(95));

    public void Write(BinaryWriter writer)
    {
        _duration.Write(writer);
        _firstToken.Write(writer);
        writer.Write7BitEncodedInt64(Calls);
        writer.Write7BitEncodedInt64(_failed);
        writer.Write(_streamedTokens);
        writer.Write(_streamedSeconds);
        writer.Write(_inputTokens);
        writer.Write(_cachedTokens);
        writer.Write7BitEncodedInt64(_priced);
        writer.Write(_inputCost);
        writer.Write(_outputCost);
    }

    public static CallFigures Read(BinaryReader reader) => new(reader);
}
