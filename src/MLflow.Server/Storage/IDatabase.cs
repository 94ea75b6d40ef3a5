using MLflow.Server.Pricing;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage;

/// <summary>An opened database with its stores. Disposed, it has committed what waited.</summary>
internal interface IDatabase : IAsyncDisposable
{
    /// <summary>Tells what has been stored.</summary>
    TraceChanges Changes { get; }

    ITraceStore Traces(CallPricer pricer);

    ITraceAnalysis Analysis();

    IExperimentStore Experiments();

    IRunStore Runs();

    IAssessmentStore Assessments();

    IViewStore Views();

    IAccessStore Access();

    IGatewayStore Gateway();

    ITextIndex TextIndex();

    IRollups Rollups();

    IBlobLedger Blobs();

    IRetentionStore Retention();

    IStoreHealth Health();
}
