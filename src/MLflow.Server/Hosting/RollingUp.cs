using MLflow.Server.Storage;
using MLflow.Server.Telemetry;

namespace MLflow.Server.Hosting;

/// <summary>Works out the figures of hours, once their traces have come.</summary>
internal sealed class RollingUp : BackgroundWork
{
    private readonly IRollups _rollups;
    private readonly ServerMeter _meter;

    public RollingUp(IRollups rollups, ServerMeter meter, TimeProvider timeProvider, ILogger<RollingUp> logger)
        : base(timeProvider, logger)
    {
        _rollups = rollups;
        _meter = meter;
    }

    protected override string Consequence => "Figures of some hours could not be worked out; overviews read them from the traces, slowly.";

    protected override TimeSpan Pause => TimeSpan.FromMinutes(1);

    protected override async Task<bool> WorkAsync(CancellationToken cancellationToken) => await _rollups.RollUpAsync(now: false, cancellationToken).ConfigureAwait(false) > 0;

    protected override async Task RestAsync(CancellationToken cancellationToken) => _meter.RollupsWaiting = await _rollups.CountWaitingAsync(cancellationToken).ConfigureAwait(false);
}
