using MLflow.Server.Assessments;

namespace MLflow.Server.Storage.Sql;

/// <summary>What a change makes of a stored assessment, and why it cannot be made.</summary>
internal static class AssessmentRevision
{
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: the value is of another type.</exception>
    public static AssessmentRecord Apply(AssessmentRecord old, AssessmentChange change, TimeProvider timeProvider)
    {
        if (change.Type is { } type && type != old.Type)
        {
            throw new MlflowException(
                ErrorCode.INVALID_PARAMETER_VALUE,
                $"Assessment '{old.AssessmentId}' is of type {ColumnText.Of(old.Type)}: its value cannot become one of type {ColumnText.Of(type)}. Delete it and create another.");
        }

        return old with
        {
            Name = change.Name ?? old.Name,
            Value = change.Type is null ? old.Value : change.Value,
            IsSerialized = change.Type is null ? old.IsSerialized : change.IsSerialized,
            Error = change.Type is null ? old.Error : change.Error,
            Rationale = change.HasRationale ? change.Rationale : old.Rationale,
            Metadata = Merge(old.Metadata, change.Metadata),
            IsValid = change.IsValid ?? old.IsValid,
            LastUpdateTimeMs = timeProvider.GetUtcNow().ToUnixTimeMilliseconds(),
        };
    }

    public static MlflowException MissingTrace(string traceId) => new(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"Trace with request_id '{traceId}' not found");

    public static MlflowException Missing(string traceId, string assessmentId) =>
        new(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"Assessment with ID '{assessmentId}' not found for trace '{traceId}'");

    private static Dictionary<string, string> Merge(IReadOnlyDictionary<string, string> old, IReadOnlyDictionary<string, string> added)
    {
        var merged = new Dictionary<string, string>(old);
        foreach (var (key, value) in added)
        {
            merged[key] = value;
        }

        return merged;
    }
}
