namespace MLflow.Server.Artifacts;

/// <summary>What clients uploaded beside the spans of traces: <c>mlflow-artifacts:/1/traces/tr-…/artifacts/attachments/{uuid}</c></summary>
internal sealed partial class TraceFiles
{
    private const string Scheme = "mlflow-artifacts:/";

    private readonly ArtifactFolder _artifacts;
    private readonly ILogger<TraceFiles> _logger;

    public TraceFiles(ArtifactFolder artifacts, ILogger<TraceFiles> logger)
    {
        _artifacts = artifacts;
        _logger = logger;
    }

    /// <summary>An attachment; null where there is none, or it is not kept here.</summary>
    /// <param name="location">Of the trace's artifacts.</param>
    /// <param name="name">The attachment's.</param>
    public FileStream? OpenRead(string location, string name) => PathOf(location, name) is { } path ? _artifacts.OpenRead(path) : null;

    /// <summary>The path of an attachment; null where it is not kept here.</summary>
    /// <param name="location">Of the trace's artifacts.</param>
    /// <param name="name">The attachment's.</param>
    public static string? PathOf(string location, string name) => PathOf(location) is { } path ? ArtifactPath.CheckFile($"{path}/attachments/{name}") : null;

    /// <summary>Deletes the files of traces that are gone. What cannot be deleted is in nobody's way, and stays with a word in the log.</summary>
    /// <param name="location">Of their experiment's artifacts.</param>
    /// <param name="traceIds">The traces.</param>
    public void Delete(string location, IEnumerable<string> traceIds)
    {
        if (PathOf(location) is not { } path)
        {
            return;
        }

        foreach (var traceId in traceIds)
        {
            try
            {
                _artifacts.Delete($"{path}/traces/{traceId}");
            }
            catch (MlflowException)
            {
                // An id that no folder can be named by.
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                LogLeft(_logger, traceId, e.Message);
            }
        }
    }

    private static string? PathOf(string location) => location.StartsWith(Scheme, StringComparison.Ordinal) ? location[Scheme.Length..] : null;

    [LoggerMessage(LogLevel.Warning, "Trace {TraceId} is deleted, but its files are not: {Reason}")]
    private static partial void LogLeft(ILogger logger, string traceId, string reason);
}
