namespace MLflow.Server.Tests.Storage.Sqlite;

/// <summary>A clock that goes on by one step each time that it is looked at.</summary>
internal sealed class SteppingTime(TimeSpan step) : TimeProvider
{
    private long _ticks;

    public int Looks { get; private set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp()
    {
        Looks++;
        return _ticks += step.Ticks;
    }
}
