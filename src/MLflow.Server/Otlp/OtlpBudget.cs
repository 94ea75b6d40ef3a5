namespace MLflow.Server.Otlp;

/// <summary>Bounds the memory of all OTLP requests together: each takes the bytes that it holds, and gives them back when it is answered.</summary>
internal sealed class OtlpBudget
{
    private readonly long _limit;
    private long _taken;

    public OtlpBudget(long limit = OtlpLimits.MaxBytesInWork) => _limit = limit;

    /// <exception cref="OtlpException">There is no room now; trying again later is right.</exception>
    public void Take(long bytes)
    {
        if (Interlocked.Add(ref _taken, bytes) > _limit)
        {
            Interlocked.Add(ref _taken, -bytes);
            throw new OtlpException(
                StatusCodes.Status429TooManyRequests,
                $"The server holds {_limit} bytes of other requests, the most at one time. Send this one again later.");
        }
    }

    public void Return(long bytes) => Interlocked.Add(ref _taken, -bytes);
}
