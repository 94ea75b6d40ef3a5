namespace MLflow.Tests.Databricks;

/// <summary>A clock that runs as the system's does and shows another time.</summary>
internal sealed class SkewedTime(TimeSpan skew) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + skew;
}
