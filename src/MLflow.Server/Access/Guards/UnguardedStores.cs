using MLflow.Server.Storage;

namespace MLflow.Server.Access.Guards;

/// <summary>The stores as they are, behind the guards. Only guards, and work of the server itself, may have them.</summary>
internal sealed record UnguardedStores(ITraceStore Traces, ITraceAnalysis Analysis, IExperimentStore Experiments, IRunStore Runs, IAssessmentStore Assessments, IViewStore Views);
