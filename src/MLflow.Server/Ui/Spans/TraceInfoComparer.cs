using MLflow.Server.Assessments;
using MLflow.Server.Traces;

namespace MLflow.Server.Ui.Spans;

/// <summary>Whether two readings of a trace show the same.</summary>
internal static class TraceInfoComparer
{
    public static bool AreSame(TraceInfo one, TraceInfo other)
    {
        // What a record compares by reference is compared by what is in it.
        var alike = other with { Metadata = one.Metadata, Tags = one.Tags, Assessments = one.Assessments };
        return one == alike && AreSame(one.Metadata, other.Metadata) && AreSame(one.Tags, other.Tags)
            && one.Assessments.Select(Revision).SequenceEqual(other.Assessments.Select(Revision));
    }

    private static bool AreSame(IReadOnlyDictionary<string, string> one, IReadOnlyDictionary<string, string> other) =>
        one.Count == other.Count && one.All(pair => other.TryGetValue(pair.Key, out var value) && value == pair.Value);

    private static (string Id, string Value, bool IsValid, long UpdatedMs) Revision(AssessmentRecord assessment) => (assessment.AssessmentId, assessment.Value, assessment.IsValid, assessment.LastUpdateTimeMs);
}
