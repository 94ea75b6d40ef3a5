namespace MLflow;

/// <summary>What an assessment says.</summary>
public enum AssessmentKind
{
    /// <summary>How good something was.</summary>
    Feedback,

    /// <summary>What would have been right.</summary>
    Expectation,

    /// <summary>That the trace shows an issue that the server keeps (MLflow 3.11).</summary>
    Issue,
}
