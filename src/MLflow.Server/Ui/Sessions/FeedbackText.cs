using MLflow.Server.Assessments;
using MLflow.Server.Ui.Formatting;
using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.Sessions;

/// <summary>How the value of a feedback reads.</summary>
public static class FeedbackText
{
    /// <summary><c>yes</c> and <c>no</c> for booleans, else the text or figure.</summary>
    public static string Of(AssessmentRecord feedback) => feedback.Value switch
    {
        "true" => T("yes"),
        "false" => T("no"),
        _ => PreviewText.Cut(TolerantJson.Unquote(feedback.Value) ?? "", 60),
    };

    /// <summary>Whether it is a no.</summary>
    public static bool IsBad(AssessmentRecord feedback) => feedback.Value == "false" || TolerantJson.Unquote(feedback.Value)?.ToUpperInvariant() is "NO" or "FAIL" or "FAILED";
}
