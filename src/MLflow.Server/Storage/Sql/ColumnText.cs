using MLflow.Server.Assessments;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sql;

/// <summary>Enums as columns hold them: by MLflow's names, which filters compare with.</summary>
internal static class ColumnText
{
    public static string Of(TraceState state) => state switch
    {
        TraceState.Ok => "OK",
        TraceState.Error => "ERROR",
        TraceState.InProgress => "IN_PROGRESS",
        _ => "STATE_UNSPECIFIED",
    };

    public static TraceState State(string text) => text switch
    {
        "OK" => TraceState.Ok,
        "ERROR" => TraceState.Error,
        "IN_PROGRESS" => TraceState.InProgress,
        _ => TraceState.Unspecified,
    };

    public static string Of(AssessmentType type) => type switch
    {
        AssessmentType.Expectation => "expectation",
        AssessmentType.Issue => "issue",
        _ => "feedback",
    };

    public static AssessmentType Assessment(string text) => text switch
    {
        "expectation" => AssessmentType.Expectation,
        "issue" => AssessmentType.Issue,
        _ => AssessmentType.Feedback,
    };

    public static string Of(SpanStatus status) => status switch
    {
        SpanStatus.Ok => "OK",
        SpanStatus.Error => "ERROR",
        _ => "UNSET",
    };

    public static SpanStatus Status(string text) => text switch
    {
        "OK" => SpanStatus.Ok,
        "ERROR" => SpanStatus.Error,
        _ => SpanStatus.Unset,
    };
}
