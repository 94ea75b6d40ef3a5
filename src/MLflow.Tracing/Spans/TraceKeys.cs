namespace MLflow;

/// <summary>Keys of trace metadata and tags (MLflow 3.11, <c>mlflow.tracing.constant.TraceMetadataKey</c>, <c>TraceTagKey</c>).</summary>
internal static class TraceKeys
{
    public const string SchemaVersion = "mlflow.trace_schema.version";
    public const string Inputs = "mlflow.traceInputs";
    public const string Outputs = "mlflow.traceOutputs";
    public const string SizeStats = "mlflow.trace.sizeStats";
    public const string SizeBytes = "mlflow.trace.sizeBytes";
    public const string TokenUsage = "mlflow.trace.tokenUsage";

    /// <summary>What the trace cost in US dollars, as <see cref="AttributeNames.Cost"/>. Set by the server.</summary>
    public const string Cost = "mlflow.trace.cost";
    public const string Session = "mlflow.trace.session";
    public const string User = "mlflow.trace.user";

    /// <summary>"true" for a trace whose end is not to be expected any more; MLflow has no state for that. Ours.</summary>
    public const string Interrupted = "mlflow.trace.interrupted";

    /// <summary>Metadata that this server tells of traces whose spans it has moved to its archive.</summary>
    public const string Archived = "mlflow.trace.archived";
    public const string SourceRun = "mlflow.sourceRun";
    public const string ModelId = "mlflow.modelId";
    public const string SourceUser = "mlflow.user";
    public const string SourceName = "mlflow.source.name";
    public const string SourceType = "mlflow.source.type";
    public const string GitCommit = "mlflow.source.git.commit";
    public const string GitBranch = "mlflow.source.git.branch";
    public const string GitRepoUrl = "mlflow.source.git.repoURL";
    public const string InfoFinalized = "mlflow.trace.infoFinalized";

    /// <summary>Tag: name of the root span.</summary>
    public const string TraceName = "mlflow.traceName";

    /// <summary>Tag, set by the server.</summary>
    public const string ArtifactLocation = "mlflow.artifactLocation";

    /// <summary>Tag, set by the server: <see cref="TrackingStore"/> when it has the spans.</summary>
    public const string SpansLocation = "mlflow.trace.spansLocation";
    public const string TrackingStore = "TRACKING_STORE";
}
