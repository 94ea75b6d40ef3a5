namespace MLflow.Tests;

/// <summary>The system's clock, whose date and time can be set wrong; its timestamps go on as always.</summary>
internal sealed class JumpingClock : TimeProvider
{
    public TimeSpan Offset { get; set; }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Offset;
}
