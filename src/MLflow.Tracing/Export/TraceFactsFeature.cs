namespace MLflow;

/// <summary>
/// What our own server can do beyond MLflow's: it takes the facts of a trace with its spans in one request. The last span of a complete
/// trace then carries the body of StartTraceV3 as an attribute, which the server takes out.
/// </summary>
internal static class TraceFactsFeature
{
    /// <summary>True in what <c>server-info</c> answers.</summary>
    public const string Name = "takes_trace_facts";

    /// <summary>Name of the span attribute. An application's own attribute of that name is not sent.</summary>
    public const string Attribute = "mlflow.traceFacts";

    /// <summary>Header of the answer: how many traces' facts were stored. Without it another server has answered.</summary>
    public const string Header = "x-mlflow-trace-facts";
}
