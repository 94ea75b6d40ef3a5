using System.Text.Json;
using MLflow.Cli.Output;

namespace MLflow.Cli.Retention;

/// <summary>Shows what a server says of retention.</summary>
internal static class RetentionOutput
{
    public static string Policy(JsonElement policy)
    {
        var (days, action) = (ApiJson.Text(policy, "days"), ApiJson.Text(policy, "action"));
        var what = days == "forever" ? "are kept for ever" : $"are {(action == "archive" ? "archived" : "deleted")} {days} days after the server last heard of them";
        return $"Traces of experiment {ApiJson.Text(policy, "experiment_id")} {what} ({(ApiJson.Text(policy, "source") == "server" ? "as the server's settings say" : "as the experiment says")}).";
    }

    public static string Outcomes(JsonElement answer)
    {
        var table = new TextTable(!Console.IsOutputRedirected, "experiment", "deleted", "archived", "kept", "failed");
        foreach (var outcome in ApiJson.Items(answer, "experiments"))
        {
            table.Add(((string[])["experiment_id", "deleted", "archived", "kept", "failed"]).Select(name => ApiJson.Member(outcome, name)?.ToString()));
        }

        return table.ToString().TrimEnd();
    }
}
