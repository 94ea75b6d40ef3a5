namespace MLflow;

/// <summary>What <c>Mlflow.OpenAI.Autolog</c> records.</summary>
public sealed class OpenAIAutologOptions
{
    /// <summary>Most bytes of one request or response body that are kept. Above it the span says so and carries what was seen until then. Default 4 MiB.</summary>
    public int MaxCaptureBytes { get; set; } = 4 << 20;

    /// <summary>Most chunks of one stream that become events; all are merged into the output, and the span counts those left out. Default 5,000.</summary>
    public int MaxChunkEvents { get; set; } = 5000;

    /// <summary>
    /// What is kept of images, audio, files and vectors. By default small ones whole, and of larger ones a beginning with size, type and SHA-256.
    /// </summary>
    public MediaCapture Media { get; set; } = MediaCapture.Preview;

    /// <summary>
    /// How much is recorded of the calls, where that is less than <see cref="PrivacyOptions.Capture"/> says for all spans. Null: as it says.
    /// <see cref="CaptureMode.Off"/> is the same as <c>disable: true</c>.
    /// </summary>
    public CaptureMode? Capture { get; set; }

    /// <summary>
    /// Hosts all of whose requests are OpenAI calls, whatever their path: <c>llm.example.com</c>, <c>*.example.com</c>, <c>localhost:8000</c>. Calls of models
    /// (<c>…/chat/completions</c> and the like) are seen on every host without being named here.
    /// </summary>
    public IList<string> IncludedHosts { get; } = [];

    /// <summary>Hosts none of whose requests are traced. Written as <see cref="IncludedHosts"/>; goes before everything else.</summary>
    public IList<string> ExcludedHosts { get; } = [];

    /// <summary>Paths that are calls of models on any host: <c>/internal/*/generate</c>. <c>*</c> stands for any text; a pattern is compared with the whole path.</summary>
    public IList<string> IncludedPaths { get; } = [];

    /// <summary>Paths that are not traced. Written as <see cref="IncludedPaths"/>; goes before everything else.</summary>
    public IList<string> ExcludedPaths { get; } = [];

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxCaptureBytes, 1024);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxChunkEvents);
        if (Capture is { } mode)
        {
            CaptureModes.Check(mode);
        }

        foreach (var (name, patterns) in new[] { (nameof(IncludedHosts), IncludedHosts), (nameof(ExcludedHosts), ExcludedHosts) })
        {
            if (patterns.FirstOrDefault(pattern => string.IsNullOrWhiteSpace(pattern) || pattern.Contains('/', StringComparison.Ordinal)) is { } wrong)
            {
                throw new ArgumentException($"'{wrong}' in {name} is no host: write it without scheme and path, for example llm.example.com or *.example.com.");
            }
        }

        foreach (var (name, patterns) in new[] { (nameof(IncludedPaths), IncludedPaths), (nameof(ExcludedPaths), ExcludedPaths) })
        {
            if (patterns.FirstOrDefault(pattern => pattern is not ['/' or '*', ..]) is { } wrong)
            {
                throw new ArgumentException($"'{wrong}' in {name} is no path: it must begin with / or *, for example /internal/*/generate.");
            }
        }
    }
}
