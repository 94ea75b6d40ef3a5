namespace MLflow.Server.Assessments;

/// <summary>What an assessment says.</summary>
public enum AssessmentType
{
    /// <summary>How good something was.</summary>
    Feedback,

    /// <summary>What would have been right.</summary>
    Expectation,

    /// <summary>That the trace shows a known issue.</summary>
    Issue,
}
