namespace MLflow;

/// <summary>
/// Tells of an answer that the program dropped without closing it. Content and stream of an answer have one between them: to make an object with a
/// finalizer, and to tell that it is not needed, costs more than the rest of them.
/// </summary>
internal sealed class AnswerGuard : IDisposable
{
    private readonly LlmAttempt _attempt;

    public AnswerGuard(LlmAttempt attempt) => _attempt = attempt;

    ~AnswerGuard() => _attempt.EndBody(BodyEnd.Finalized, null);

    /// <summary>The answer has ended.</summary>
    public void Dispose() => GC.SuppressFinalize(this);
}
