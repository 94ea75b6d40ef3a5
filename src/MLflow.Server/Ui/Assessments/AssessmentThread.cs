using MLflow.Server.Assessments;

namespace MLflow.Server.Ui.Assessments;

/// <summary>An assessment that is valid, and those that it took the place of.</summary>
/// <param name="Current">What counts.</param>
/// <param name="Earlier">The newest first.</param>
public sealed record AssessmentThread(AssessmentRecord Current, IReadOnlyList<AssessmentRecord> Earlier)
{
    /// <summary>In the order in which they began.</summary>
    public static IReadOnlyList<AssessmentThread> Of(IReadOnlyList<AssessmentRecord> assessments)
    {
        var byId = assessments.ToDictionary(assessment => assessment.AssessmentId);
        return [.. assessments.Where(assessment => assessment.IsValid).Select(current => new AssessmentThread(current, EarlierOf(current, byId)))];
    }

    private static List<AssessmentRecord> EarlierOf(AssessmentRecord current, Dictionary<string, AssessmentRecord> byId)
    {
        // Whoever writes them may let them replace each other in a circle.
        var earlier = new List<AssessmentRecord>();
        var seen = new HashSet<string> { current.AssessmentId };
        for (var next = current.Overrides; next is not null && seen.Add(next) && byId.TryGetValue(next, out var found); next = found.Overrides)
        {
            earlier.Add(found);
        }

        return earlier;
    }
}
