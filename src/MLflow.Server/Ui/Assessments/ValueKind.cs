namespace MLflow.Server.Ui.Assessments;

/// <summary>How the value of an assessment is given.</summary>
public enum ValueKind
{
    YesNo,
    Number,

    /// <summary>One of a few words.</summary>
    Category,

    Text,

    /// <summary>Anything else, as it is stored.</summary>
    Json,
}
