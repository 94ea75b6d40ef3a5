namespace MLflow;

/// <content>Feedback and expectations.</content>
public sealed partial class MlflowClient
{
    private const int MaxNameLength = 250;

    /// <summary>
    /// Says how good a trace was, or one of its spans. On a trace of this process that still runs it goes along when the trace is sent, without a request of its own;
    /// a trace that ended a moment ago is sent first. So go at most 1,000 assessments of a trace; further ones are refused until it has ended.
    /// </summary>
    /// <param name="traceId">For example what <see cref="GetLastActiveTraceId"/> gave.</param>
    /// <param name="name">What is judged, for example <c>correctness</c>; at most 250 characters. A trace may have several of one name.</param>
    /// <param name="value">A boolean, a number, text, a list or an object. Null only together with <paramref name="error"/>.</param>
    /// <param name="source">Who judges. Null: a program.</param>
    /// <param name="rationale">Why.</param>
    /// <param name="error">Why there is no value: <see cref="AssessmentError.From(Exception)"/>.</param>
    /// <param name="metadata">What else is to be kept with it.</param>
    /// <param name="spanId">The span that is judged. Null: the whole trace.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The feedback as it is stored.</returns>
    /// <exception cref="ArgumentException">There is neither value nor error, or the value is a number that JSON does not have.</exception>
    /// <exception cref="MlflowException">There is no such trace, it runs and has 1,000 assessments, or the server refused or could not be reached.</exception>
    public Task<Assessment> LogFeedbackAsync(
        string traceId,
        string name,
        object? value = null,
        AssessmentSource? source = null,
        string? rationale = null,
        AssessmentError? error = null,
        IReadOnlyDictionary<string, string>? metadata = null,
        string? spanId = null,
        CancellationToken cancellationToken = default) =>
        LogAsync(NewFeedback(traceId, name, value, source, rationale, error, metadata, spanId), cancellationToken);

    /// <summary>Says what would have been right, for a trace or one of its spans. As to the time of sending, see <see cref="LogFeedbackAsync"/>.</summary>
    /// <param name="traceId">The trace.</param>
    /// <param name="name">What is expected, for example <c>expected_answer</c>; at most 250 characters.</param>
    /// <param name="value">A boolean, a number, text, a list or an object.</param>
    /// <param name="source">Who says so. Null: a person.</param>
    /// <param name="metadata">What else is to be kept with it.</param>
    /// <param name="spanId">The span. Null: the whole trace.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The expectation as it is stored.</returns>
    /// <exception cref="ArgumentException">The value is null, or a number that JSON does not have.</exception>
    /// <exception cref="MlflowException">There is no such trace, it runs and has 1,000 assessments, or the server refused or could not be reached.</exception>
    public Task<Assessment> LogExpectationAsync(
        string traceId,
        string name,
        object value,
        AssessmentSource? source = null,
        IReadOnlyDictionary<string, string>? metadata = null,
        string? spanId = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(traceId);
        CheckName(name);
        ArgumentNullException.ThrowIfNull(value);
        return LogAsync(
            new NewAssessment
            {
                Kind = AssessmentKind.Expectation,
                TraceId = traceId,
                SpanId = spanId,
                Name = name,
                Value = Encode(value),
                Source = source ?? AssessmentSource.Human(),
                Metadata = Copy(metadata),
                Time = Tracer.TimeProvider.GetUtcNow(),
            },
            cancellationToken);
    }

    /// <summary>Reads an assessment back. Those of a trace come with it: <see cref="TraceRecord.Assessments"/>.</summary>
    /// <exception cref="MlflowException">There is none of that id (<see cref="MlflowErrorCode.ResourceDoesNotExist"/>), or the server could not be reached.</exception>
    public Task<Assessment> GetAssessmentAsync(string traceId, string assessmentId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(traceId);
        ArgumentException.ThrowIfNullOrEmpty(assessmentId);
        return Assessments().GetAsync(traceId, assessmentId, cancellationToken);
    }

    /// <summary>
    /// Changes feedback in place, without a history: what is null stays as it was. To keep what was said before, use <see cref="OverrideFeedbackAsync"/>.
    /// </summary>
    /// <param name="traceId">The trace.</param>
    /// <param name="assessmentId">The feedback (<see cref="Assessment.AssessmentId"/>).</param>
    /// <param name="value">The new value; it also removes an error.</param>
    /// <param name="name">The new name.</param>
    /// <param name="rationale">The new reason.</param>
    /// <param name="error">An error instead of the value.</param>
    /// <param name="metadata">Added to the metadata that is there.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The feedback as it is stored now.</returns>
    /// <exception cref="ArgumentException">Nothing is to change.</exception>
    /// <exception cref="MlflowException">There is none of that id, it is no feedback, or the server could not be reached.</exception>
    public Task<Assessment> UpdateFeedbackAsync(
        string traceId,
        string assessmentId,
        object? value = null,
        string? name = null,
        string? rationale = null,
        AssessmentError? error = null,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default) =>
        UpdateAsync(
            traceId,
            assessmentId,
            new AssessmentUpdate
            {
                Kind = AssessmentKind.Feedback,
                Name = name,
                HasValue = value is not null || error is not null,
                Value = Encode(value),
                Error = error,
                Rationale = rationale,
                Metadata = Copy(metadata),
            },
            cancellationToken);

    /// <summary>Changes an expectation in place: what is null stays as it was.</summary>
    /// <param name="traceId">The trace.</param>
    /// <param name="assessmentId">The expectation (<see cref="Assessment.AssessmentId"/>).</param>
    /// <param name="value">The new value.</param>
    /// <param name="name">The new name.</param>
    /// <param name="metadata">Added to the metadata that is there.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The expectation as it is stored now.</returns>
    /// <exception cref="ArgumentException">Nothing is to change.</exception>
    /// <exception cref="MlflowException">There is none of that id, it is no expectation, or the server could not be reached.</exception>
    public Task<Assessment> UpdateExpectationAsync(
        string traceId,
        string assessmentId,
        object? value = null,
        string? name = null,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default) =>
        UpdateAsync(
            traceId,
            assessmentId,
            new AssessmentUpdate { Kind = AssessmentKind.Expectation, Name = name, HasValue = value is not null, Value = Encode(value), Metadata = metadata },
            cancellationToken);

    /// <summary>
    /// Replaces feedback by another one of the same name: the old one stays as history, no longer valid (<see cref="Assessment.IsValid"/>).
    /// Deleting the new one makes the old one valid again.
    /// </summary>
    /// <param name="traceId">The trace.</param>
    /// <param name="assessmentId">The feedback to replace (<see cref="Assessment.AssessmentId"/>).</param>
    /// <param name="value">The new value. Null only together with <paramref name="error"/>.</param>
    /// <param name="source">Who judges now. Null: a program.</param>
    /// <param name="rationale">Why.</param>
    /// <param name="error">Why there is no value.</param>
    /// <param name="metadata">What else is to be kept with it. That of the old one is not taken over.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The new feedback.</returns>
    /// <exception cref="ArgumentException">There is neither value nor error.</exception>
    /// <exception cref="InvalidOperationException">It is no feedback.</exception>
    /// <exception cref="MlflowException">There is none of that id, or the server could not be reached.</exception>
    public async Task<Assessment> OverrideFeedbackAsync(
        string traceId,
        string assessmentId,
        object? value = null,
        AssessmentSource? source = null,
        string? rationale = null,
        AssessmentError? error = null,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(assessmentId);
        var feedback = NewFeedback(traceId, assessmentId, value, source, rationale, error, metadata, null);
        var assessments = Assessments();
        var old = await assessments.GetAsync(traceId, assessmentId, cancellationToken).ConfigureAwait(false);
        return old.Kind == AssessmentKind.Feedback
            ? await assessments.CreateAsync(Outlet.Privacy.Facts().Redact(feedback with { Name = old.Name, SpanId = old.SpanId, Overrides = assessmentId }), cancellationToken).ConfigureAwait(false)
            : throw new InvalidOperationException($"Assessment '{assessmentId}' is no feedback: an expectation is changed by UpdateExpectationAsync.");
    }

    /// <summary>Deletes an assessment. Feedback that it replaces is valid again. One that is not there is no error.</summary>
    /// <exception cref="MlflowException">The server refused or could not be reached.</exception>
    public Task DeleteAssessmentAsync(string traceId, string assessmentId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(traceId);
        ArgumentException.ThrowIfNullOrEmpty(assessmentId);
        return Assessments().DeleteAsync(traceId, assessmentId, cancellationToken);
    }

    /// <summary>A server refuses a longer one, and with it the trace in whose facts it travels.</summary>
    private static void CheckName(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name.Length > MaxNameLength)
        {
            throw new ArgumentException($"The assessment's name has {name.Length} characters: it may have {MaxNameLength}.", nameof(name));
        }
    }

    /// <summary>It may be read later, on another thread.</summary>
    private static Dictionary<string, string>? Copy(IReadOnlyDictionary<string, string>? metadata) => metadata is null ? null : new(metadata);

    private static AttributeValue Encode(object? value)
    {
        var encoded = ValueEncoder.Encode(value);
        return encoded.Kind == AttributeValueKind.Double && !double.IsFinite(encoded.Double)
            ? throw new ArgumentException($"The value is {encoded.Double}, which JSON does not have: give a finite number, or an error that says why there is none.", nameof(value))
            : encoded;
    }

    private NewAssessment NewFeedback(
        string traceId, string name, object? value, AssessmentSource? source, string? rationale, AssessmentError? error, IReadOnlyDictionary<string, string>? metadata, string? spanId)
    {
        ArgumentException.ThrowIfNullOrEmpty(traceId);
        CheckName(name);
        if (value is null && error is null)
        {
            throw new ArgumentException("Feedback needs a value, or an error that says why there is none.", nameof(value));
        }

        return new NewAssessment
        {
            Kind = AssessmentKind.Feedback,
            TraceId = traceId,
            SpanId = spanId,
            Name = name,
            Value = Encode(value),
            Error = error,
            Source = source ?? AssessmentSource.Code(),
            Rationale = rationale,
            Metadata = Copy(metadata),
            Time = Tracer.TimeProvider.GetUtcNow(),
        };
    }

    private Task<Assessment> LogAsync(NewAssessment assessment, CancellationToken cancellationToken)
    {
        if (RunningTrace(assessment.TraceId) is { } trace && trace.TryAdd(assessment))
        {
            return Task.FromResult(ApiJson.Read(ScratchJson.Write(assessment, AssessmentFormat.Write), AssessmentFormat.Read));
        }

        var assessments = Assessments();
        var redacted = Outlet.Privacy.Facts().Redact(assessment);
        return OnceSentAsync(() => assessments.CreateAsync(redacted, cancellationToken), cancellationToken);
    }

    private Task<Assessment> UpdateAsync(string traceId, string assessmentId, AssessmentUpdate change, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(traceId);
        ArgumentException.ThrowIfNullOrEmpty(assessmentId);
        if (change.Name is not null)
        {
            CheckName(change.Name);
        }

        return change.Mask.Length > 0
            ? RedactAndUpdateAsync(traceId, assessmentId, change, cancellationToken)
            : throw new ArgumentException($"Nothing of assessment '{assessmentId}' is to change: give a value, a name, or something else.", nameof(assessmentId));
    }

    private async Task<Assessment> RedactAndUpdateAsync(string traceId, string assessmentId, AssessmentUpdate change, CancellationToken cancellationToken)
    {
        var assessments = Assessments();
        var privacy = Outlet.Privacy;
        var name = change.Name;
        if (name is null && change.HasValue && privacy.AsksForNames)
        {
            name = (await assessments.GetAsync(traceId, assessmentId, cancellationToken).ConfigureAwait(false)).Name;
        }

        return await assessments.UpdateAsync(traceId, assessmentId, privacy.Facts().Redact(change, name ?? ""), cancellationToken).ConfigureAwait(false);
    }

    private AssessmentApi Assessments() => new(Api());
}
