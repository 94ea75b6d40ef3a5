using MLflow.Server.Traces.Analysis;

namespace MLflow.Server.Storage.Sql;

/// <summary>The piece of a time with the most failures.</summary>
/// <param name="Number">Which piece.</param>
/// <param name="Failed">How many traces failed in it.</param>
internal sealed record WorstBucket(int Number, long Failed)
{
    /// <summary>The last one of several; null where nothing failed.</summary>
    public static WorstBucket? Find(IReadOnlyDictionary<int, OverviewFigures> buckets)
    {
        var (number, figures) = buckets.OrderByDescending(bucket => bucket.Value.Failed).ThenByDescending(bucket => bucket.Key).FirstOrDefault();
        return figures is null or { Failed: 0 } ? null : new WorstBucket(number, figures.Failed);
    }

    /// <summary>What its failures have in common.</summary>
    /// <param name="causes">How many failed with each kind of error and model.</param>
    public FailureCluster Cluster(IReadOnlyList<(string? Type, string? Model, long Count)> causes)
    {
        var (type, ofType) = Most(causes.Select(cause => (cause.Type, cause.Count)));
        var (model, ofModel) = Most(causes.Select(cause => (cause.Model, cause.Count)));
        return new FailureCluster(Number, Failed, type, ofType, model, ofModel);
    }

    private static (string? Name, long Count) Most(IEnumerable<(string? Name, long Count)> causes) => causes
        .Where(cause => cause.Name is not null)
        .GroupBy(cause => cause.Name, (name, group) => (Name: name, Count: group.Sum(cause => cause.Count)))
        .OrderByDescending(cause => cause.Count).ThenBy(cause => cause.Name, StringComparer.Ordinal)
        .FirstOrDefault();
}
