using Microsoft.Extensions.Logging;

namespace MLflow;

/// <summary>Settings of a <see cref="MlflowClient"/>. What is null comes from the environment.</summary>
public class MlflowClientOptions
{
    /// <summary>
    /// Address of the tracking server, or <c>databricks</c> or <c>databricks://profile</c> for a Databricks workspace. Null: <c>MLFLOW_TRACKING_URI</c>, else
    /// <c>http://localhost:5000</c>.
    /// </summary>
    public string? TrackingUri { get; set; }

    /// <summary>
    /// Name for the tracking server, with <see cref="TrackingPassword"/>. Null: <see cref="TrackingToken"/>, else what <c>MLFLOW_TRACKING_USERNAME</c> and
    /// <c>MLFLOW_TRACKING_PASSWORD</c>, the address, the user's <c>~/.mlflow/credentials</c> or <c>MLFLOW_TRACKING_TOKEN</c> say. Every server that the client is told to send to gets it.
    /// </summary>
    public string? TrackingUsername { get; set; }

    /// <summary>Password for the tracking server, with <see cref="TrackingUsername"/>. It appears in no log, exception or file.</summary>
    public string? TrackingPassword { get; set; }

    /// <summary>Bearer token for the tracking server, instead of a name and a password. It appears in no log, exception or file.</summary>
    public string? TrackingToken { get; set; }

    /// <summary>What a host's configuration says under the names of the environment; null where there is none.</summary>
    internal Func<string, string?>? Variable { get; set; }

    /// <summary>Name of the experiment. Null: <see cref="ExperimentId"/>.</summary>
    public string? Experiment { get; set; }

    /// <summary>Address and credentials of a Databricks workspace, for a tracking URI that says <c>databricks</c>.</summary>
    public DatabricksOptions Databricks { get; } = new();

    /// <summary>
    /// Id of the experiment, where <see cref="Experiment"/> is null, or for a Databricks workspace a place in Unity Catalog, <c>catalog.schema</c> or <c>catalog.schema.prefix</c>. Null:
    /// <c>MLFLOW_TRACING_DESTINATION</c>, else <c>MLFLOW_EXPERIMENT_NAME</c>, else <c>MLFLOW_EXPERIMENT_ID</c>, else experiment <c>0</c>.
    /// </summary>
    public string? ExperimentId { get; set; }

    /// <summary>
    /// Id of the run that traces belong to (<c>mlflow.sourceRun</c>), which is neither created nor checked; <see cref="MlflowClient.UseRun"/> goes before it. It does not
    /// choose the experiment. Null: <c>MLFLOW_RUN_ID</c>, else none.
    /// </summary>
    public string? RunId { get; set; }

    /// <summary>Id of the logged model that traces belong to (<c>mlflow.modelId</c>), which is not checked. Null: <c>MLFLOW_ACTIVE_MODEL_ID</c>, else none.</summary>
    public string? ModelId { get; set; }

    /// <summary>
    /// Folder in which traces wait whose server is away; nobody but the user may read it. Null: <c>MLFLOW_SPOOL_DIRECTORY</c>, else <c>mlflow/spool</c> in
    /// the user's local application data. <c>none</c>: they wait in memory and are dropped when the program ends.
    /// </summary>
    public string? SpoolDirectory { get; set; }

    /// <summary>Bytes that all files of that folder may take together. Default: 256 MiB. What does not fit waits in memory.</summary>
    public long SpoolMaxBytes { get; set; } = TraceSpool.DefaultMaxBytes;

    /// <summary>
    /// Part of the traces that are recorded, from 0 to 1; chance decides when a trace begins, and its spans share its lot. Null:
    /// <c>MLFLOW_TRACE_SAMPLING_RATIO</c>, else 1.
    /// </summary>
    public double? SamplingRatio { get; set; }

    /// <summary>
    /// Says for each trace that begins which part of its like is recorded, from 0 to 1, instead of <see cref="SamplingRatio"/>; null: as set there. What a flow or a call says
    /// (<see cref="MlflowClient.UseSamplingRatio"/>, <see cref="SpanOptions.SamplingRatio"/>) goes before it; it is not asked about traces that began in another process.
    /// </summary>
    /// <remarks>
    /// It runs on the thread that begins the trace, which waits, and must be safe to be called by several threads at once. One that throws, or says what is no ratio, costs a warning,
    /// and the trace is recorded as is set otherwise.
    /// </remarks>
    public Func<TraceStart, double?>? Sampler { get; set; }

    /// <summary>
    /// Keeps traces that end in an error although <see cref="SamplingRatio"/> left them out. Such traces are recorded until their end and then kept or forgotten; what is forgotten
    /// counts as not recorded. A trace of very many spans, or one at a time when undecided ones take more than 32 MiB, is decided before its end by what is known then. Default: false.
    /// </summary>
    public bool KeepErrors { get; set; }

    /// <summary>As <see cref="KeepErrors"/>: keeps traces that took at least that long. Null: time does not matter.</summary>
    public TimeSpan? KeepSlowerThan { get; set; }

    /// <summary>
    /// How long a trace may run, looked at once a second: then its spans are ended, with a note, and the trace with an error. Null:
    /// <c>MLFLOW_TRACE_TIMEOUT_SECONDS</c>, else as long as it likes.
    /// </summary>
    public TimeSpan? TraceTimeout { get; set; }

    /// <summary>What is recorded, and what is taken out of it before it leaves the program.</summary>
    public PrivacyOptions Privacy { get; } = new();

    /// <summary>What the program does with each span at its end, before it is sent: see <see cref="MlflowClient.SetSpanProcessors"/>.</summary>
    public IList<Action<LiveSpan>> SpanProcessors { get; } = [];

    /// <summary>Takes the warnings of the SDK. Null: they go to standard error, each kind at most once a minute.</summary>
    public ILoggerFactory? LoggerFactory { get; set; }

    /// <summary>The clock. Null: the system's.</summary>
    public TimeProvider? TimeProvider { get; set; }
}
