namespace MLflow.Server.Traces;

/// <summary>Where a trace stands, in the order of MLflow's <c>TraceState</c> enum.</summary>
public enum TraceState
{
    /// <summary>The client said nothing.</summary>
    Unspecified = 0,

    /// <summary>The root span ended without an error.</summary>
    Ok = 1,

    /// <summary>The root span ended with an error.</summary>
    Error = 2,

    /// <summary>The root span has not ended, or has not arrived.</summary>
    InProgress = 3,
}
