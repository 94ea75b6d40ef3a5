namespace MLflow;

/// <summary>Why a judge has no value to give.</summary>
/// <param name="Code">A short name: the exception's type, or <c>ASSESSMENT_ERROR</c>.</param>
/// <param name="Message">What went wrong.</param>
/// <param name="StackTrace">Where; the last 10,000 characters of it are sent.</param>
public sealed record AssessmentError(string Code, string? Message = null, string? StackTrace = null)
{
    /// <summary>Characters of a stack trace that are sent, as MLflow's clients do (MLflow 3.11).</summary>
    internal const int MaxStackTrace = 10_000;

    private const string CutMark = "[Stack trace is truncated]\n...\n";

    /// <summary>An error that is told by a text only.</summary>
    public static AssessmentError From(string message) => new("ASSESSMENT_ERROR", message);

    /// <summary>The error of a judge that threw.</summary>
    public static AssessmentError From(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return new(exception.GetType().Name, ExceptionText.MessageOf(exception), ExceptionText.Of(exception));
    }

    /// <summary>The stack trace as it is sent: the end says where it happened.</summary>
    internal string? SentStackTrace => StackTrace is { Length: > MaxStackTrace } trace ? CutMark + trace[^(MaxStackTrace - CutMark.Length)..] : StackTrace;
}
