namespace MLflow;

/// <summary>What <c>Mlflow.OpenAI.Autolog</c> records.</summary>
public sealed class OpenAIAutologOptions
{
    /// <summary>Most bytes of one request or response body that are kept. Above it the span says so and carries what was seen until then. Default 4 MiB.</summary>
    public int MaxCaptureBytes { get; set; } = 4 << 20;

    /// <summary>Most chunks of one stream that become events; all are merged into the output, and the span counts those left out. Default 1,000.</summary>
    public int MaxChunkEvents { get; set; } = 1000;

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxCaptureBytes, 1024);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxChunkEvents);
    }
}
