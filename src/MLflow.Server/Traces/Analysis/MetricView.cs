namespace MLflow.Server.Traces.Analysis;

/// <summary>What a query of metrics counts, in the numbers of MLflow's <c>MetricViewType</c> enum.</summary>
internal enum MetricView
{
    Traces = 1,
    Spans = 2,
    Assessments = 3,
}
