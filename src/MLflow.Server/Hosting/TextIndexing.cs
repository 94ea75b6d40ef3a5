using MLflow.Server.Storage;
using MLflow.Server.Storage.TextIndex;
using MLflow.Server.Telemetry;

namespace MLflow.Server.Hosting;

/// <summary>Builds the text index after the answers to those who write, and keeps it clean.</summary>
internal sealed class TextIndexing : BackgroundWork
{
    private readonly ITextIndex _index;
    private readonly ServerMeter _meter;
    private long _waiting;

    public TextIndexing(ITextIndex index, ServerMeter meter, TimeProvider timeProvider, ILogger<TextIndexing> logger)
        : base(timeProvider, logger)
    {
        _index = index;
        _meter = meter;
    }

    protected override string Consequence => "Traces could not be added to the text index; searches find them, but slowly.";

    // Many that wait are written to at this moment.
    protected override TimeSpan Pause => TimeSpan.FromSeconds(_waiting >= TextSegment.Traces ? 1 : 5);

    protected override async Task<bool> WorkAsync(CancellationToken cancellationToken)
    {
        var isWork = await _index.IndexAsync(now: false, cancellationToken).ConfigureAwait(false) > 0;
        _meter.TextIndexWaiting = _waiting = await _index.CountWaitingAsync(cancellationToken).ConfigureAwait(false);
        return isWork;
    }

    protected override Task RestAsync(CancellationToken cancellationToken) => _index.SweepAsync(cancellationToken);
}
