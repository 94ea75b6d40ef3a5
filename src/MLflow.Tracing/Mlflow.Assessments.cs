namespace MLflow;

public static partial class Mlflow
{
    /// <inheritdoc cref="MlflowClient.LogFeedbackAsync"/>
    public static Task<Assessment> LogFeedbackAsync(
        string traceId,
        string name,
        object? value = null,
        AssessmentSource? source = null,
        string? rationale = null,
        AssessmentError? error = null,
        IReadOnlyDictionary<string, string>? metadata = null,
        string? spanId = null,
        CancellationToken cancellationToken = default) =>
        Client.LogFeedbackAsync(traceId, name, value, source, rationale, error, metadata, spanId, cancellationToken);

    /// <inheritdoc cref="MlflowClient.LogExpectationAsync"/>
    public static Task<Assessment> LogExpectationAsync(
        string traceId,
        string name,
        object value,
        AssessmentSource? source = null,
        IReadOnlyDictionary<string, string>? metadata = null,
        string? spanId = null,
        CancellationToken cancellationToken = default) =>
        Client.LogExpectationAsync(traceId, name, value, source, metadata, spanId, cancellationToken);

    /// <inheritdoc cref="MlflowClient.GetAssessmentAsync"/>
    public static Task<Assessment> GetAssessmentAsync(string traceId, string assessmentId, CancellationToken cancellationToken = default) =>
        Client.GetAssessmentAsync(traceId, assessmentId, cancellationToken);

    /// <inheritdoc cref="MlflowClient.UpdateFeedbackAsync"/>
    public static Task<Assessment> UpdateFeedbackAsync(
        string traceId,
        string assessmentId,
        object? value = null,
        string? name = null,
        string? rationale = null,
        AssessmentError? error = null,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default) =>
        Client.UpdateFeedbackAsync(traceId, assessmentId, value, name, rationale, error, metadata, cancellationToken);

    /// <inheritdoc cref="MlflowClient.UpdateExpectationAsync"/>
    public static Task<Assessment> UpdateExpectationAsync(
        string traceId,
        string assessmentId,
        object? value = null,
        string? name = null,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default) =>
        Client.UpdateExpectationAsync(traceId, assessmentId, value, name, metadata, cancellationToken);

    /// <inheritdoc cref="MlflowClient.OverrideFeedbackAsync"/>
    public static Task<Assessment> OverrideFeedbackAsync(
        string traceId,
        string assessmentId,
        object? value = null,
        AssessmentSource? source = null,
        string? rationale = null,
        AssessmentError? error = null,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default) =>
        Client.OverrideFeedbackAsync(traceId, assessmentId, value, source, rationale, error, metadata, cancellationToken);

    /// <inheritdoc cref="MlflowClient.DeleteAssessmentAsync"/>
    public static Task DeleteAssessmentAsync(string traceId, string assessmentId, CancellationToken cancellationToken = default) =>
        Client.DeleteAssessmentAsync(traceId, assessmentId, cancellationToken);
}
