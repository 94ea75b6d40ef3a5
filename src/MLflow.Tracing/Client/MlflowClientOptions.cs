using Microsoft.Extensions.Logging;

namespace MLflow;

/// <summary>Settings of a <see cref="MlflowClient"/>. What is null comes from the environment.</summary>
public sealed class MlflowClientOptions
{
    /// <summary>Address of the tracking server. Null: <c>MLFLOW_TRACKING_URI</c>, else <c>http://localhost:5000</c>.</summary>
    public string? TrackingUri { get; set; }

    /// <summary>Name of the experiment. Null: <c>MLFLOW_EXPERIMENT_NAME</c>, else <c>MLFLOW_EXPERIMENT_ID</c>, else experiment <c>0</c>.</summary>
    public string? Experiment { get; set; }

    /// <summary>Takes the warnings of the SDK. Null: they go to standard error, each kind at most once a minute.</summary>
    public ILoggerFactory? LoggerFactory { get; set; }

    /// <summary>The clock. Null: the system's.</summary>
    public TimeProvider? TimeProvider { get; set; }
}
