namespace MLflow.Server.Otlp;

/// <summary>Bounds the memory of all OTLP requests together: each takes the bytes that it holds, and gives them back when it is answered.</summary>
internal sealed class OtlpBudget
{
    private long _taken;

    public OtlpBudget(MlflowServerLimits limits) => Limits = limits;

    /// <summary>What one request may have.</summary>
    public MlflowServerLimits Limits { get; }

    /// <exception cref="OtlpException">There is no room now; trying again later is right.</exception>
    public void Take(long bytes)
    {
        if (Interlocked.Add(ref _taken, bytes) > Limits.MaxBytesInWork)
        {
            Interlocked.Add(ref _taken, -bytes);

            // Not 429, after which OpenTelemetry's exporter for Python over HTTP gives up: https://github.com/open-telemetry/opentelemetry-python
            throw new OtlpException(
                StatusCodes.Status503ServiceUnavailable,
                $"The server holds {Limits.MaxBytesInWork} bytes of other requests, the most at one time (--max-bytes-in-work). Send this one again later.");
        }
    }

    public void Return(long bytes) => Interlocked.Add(ref _taken, -bytes);
}
