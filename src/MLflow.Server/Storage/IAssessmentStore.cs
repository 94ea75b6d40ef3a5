using MLflow.Server.Assessments;

namespace MLflow.Server.Storage;

/// <summary>Keeps assessments. <see cref="ITraceStore"/> gives those of a trace with its info; they go when the trace goes.</summary>
internal interface IAssessmentStore
{
    /// <summary>Stores an assessment; durable on return. The one that it overrides is no longer valid.</summary>
    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is no such trace, or it has no assessment to override.</exception>
    Task CreateAsync(AssessmentRecord assessment, CancellationToken cancellationToken);

    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is no such trace, or it has no such assessment.</exception>
    Task<AssessmentRecord> GetAsync(string traceId, string assessmentId, CancellationToken cancellationToken);

    /// <summary>Changes an assessment and returns it as it is then.</summary>
    /// <exception cref="MlflowException">
    /// RESOURCE_DOES_NOT_EXIST: there is no such trace, or it has no such assessment. INVALID_PARAMETER_VALUE: the value is of another type.
    /// </exception>
    Task<AssessmentRecord> UpdateAsync(string traceId, string assessmentId, AssessmentChange change, CancellationToken cancellationToken);

    /// <summary>Deletes an assessment; the one that it overrides is valid again. Does nothing where there is none.</summary>
    Task DeleteAsync(string traceId, string assessmentId, CancellationToken cancellationToken);
}
