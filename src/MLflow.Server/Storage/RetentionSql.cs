using MLflow.Server.Traces.Retention;

namespace MLflow.Server.Storage;

/// <summary>What both dialects say alike.</summary>
internal static class RetentionSql
{
    private const string IsKept = $"EXISTS (SELECT 1 FROM trace_tags k WHERE k.trace_id = t.trace_id AND k.key = '{RetentionPolicy.KeepTag}' AND LOWER(k.value) <> 'false')";

    /// <summary>That trace <c>t</c> has expired.</summary>
    /// <param name="experiment">The parameter with the experiment.</param>
    /// <param name="before">The parameter with the time.</param>
    public static string Expired(string experiment, string before) => $"{Old(experiment, before)} AND NOT {IsKept}";

    /// <summary>That it would have, if somebody did not keep it.</summary>
    public static string Kept(string experiment, string before) => $"{Old(experiment, before)} AND {IsKept}";

    private static string Old(string experiment, string before) => $"t.experiment_id = {experiment} AND t.request_time_ms <= {before} AND COALESCE(t.last_seen_ms, 0) <= {before}";
}
