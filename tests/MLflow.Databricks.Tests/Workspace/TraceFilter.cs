using System.Text.RegularExpressions;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>The part of MLflow's filter that the stand-in knows: <c>tags.x = 'y'</c>, <c>trace.status = 'OK'</c>, <c>attribute.run_id = 'r'</c>, joined by AND.</summary>
internal static partial class TraceFilter
{
    public static Func<StoredTrace, bool> Parse(string? filter)
    {
        if (string.IsNullOrEmpty(filter))
        {
            return _ => true;
        }

        var conditions = filter.Split(" AND ").Select(condition =>
        {
            var match = Condition().Match(condition.Trim());
            return match.Success
                ? (Field: match.Groups["field"].Value, Value: match.Groups["value"].Value)
                : throw new FormatException($"Invalid clause(s) in filter string: '{condition}'");
        }).ToList();
        return trace => conditions.TrueForAll(c => Read(trace, c.Field) == c.Value);
    }

    private static string? Read(StoredTrace trace, string field) => field switch
    {
        "status" or "trace.status" => ApiRequest.Text(trace.Info, "state"),
        "attribute.run_id" => ApiRequest.Text(trace.Info["trace_metadata"], "mlflow.sourceRun"),
        _ => ApiRequest.Text(trace.Tags, field["tags.".Length..]),
    };

    [GeneratedRegex(@"^(?<field>tags\.[\w.]+|status|trace\.status|attribute\.run_id) = '(?<value>[^']*)'$")]
    private static partial Regex Condition();
}
