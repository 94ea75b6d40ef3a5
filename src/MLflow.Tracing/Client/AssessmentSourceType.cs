namespace MLflow;

/// <summary>Who judges, numbered as MLflow's <c>AssessmentSource.SourceType</c>.</summary>
public enum AssessmentSourceType
{
    /// <summary>Nobody said (<c>SOURCE_TYPE_UNSPECIFIED</c>).</summary>
    Unspecified = 0,

    /// <summary>A person (<c>HUMAN</c>).</summary>
    Human = 1,

    /// <summary>A model (<c>LLM_JUDGE</c>).</summary>
    LlmJudge = 2,

    /// <summary>A program (<c>CODE</c>).</summary>
    Code = 3,
}
