using Microsoft.Extensions.Logging.Abstractions;
using static MLflow.Cli.Doctor.CheckOutcome;

namespace MLflow.Cli.Doctor;

/// <summary>A Databricks workspace: whether it is found, lets this user in, and has the experiment. The SDK itself asks, so it goes the way that traces go.</summary>
internal static class WorkspaceCheck
{
    /// <param name="uri"><c>databricks</c> or <c>databricks://profile</c>.</param>
    /// <param name="experiment">The experiment that a program of this environment traces to.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    public static async Task<IReadOnlyList<CheckResult>> RunAsync(string uri, ExperimentChoice experiment, CancellationToken cancellationToken)
    {
        try
        {
            await using var client = new MlflowClient(new MlflowClientOptions { TrackingUri = uri, SpoolDirectory = "none", LoggerFactory = NullLoggerFactory.Instance });
            var workspace = await LetsInAsync(client, cancellationToken);
            return workspace.Outcome == Ok ? [workspace, await HasAsync(client, experiment, cancellationToken)] : [workspace];
        }
        catch (ArgumentException e)
        {
            return [new CheckResult("workspace", Failed, e.Message)];
        }
    }

    private static async Task<CheckResult> LetsInAsync(MlflowClient client, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var _ in client.SearchExperimentsAsync(options: new ExperimentSearchOptions { MaxResults = 1 }, cancellationToken: cancellationToken))
            {
                break;
            }

            return new CheckResult("workspace", Ok, "it answers, and lets this user list experiments");
        }
        catch (MlflowException e)
        {
            return new CheckResult("workspace", Failed, $"{e.Message}{Advice(e)}");
        }
    }

    private static async Task<CheckResult> HasAsync(MlflowClient client, ExperimentChoice experiment, CancellationToken cancellationToken)
    {
        try
        {
            if (experiment.Name is { } name)
            {
                return await client.GetExperimentByNameAsync(name, cancellationToken) is { } found
                    ? new CheckResult("experiment", Ok, $"'{name}' ({found.ExperimentId})")
                    : new CheckResult("experiment", Warning, $"there is none named '{name}' yet: the first trace creates it; in a workspace it needs a path, as /Shared/{name.TrimStart('/')}");
            }

            var known = await client.GetExperimentAsync(experiment.Id!, cancellationToken);
            return new CheckResult("experiment", Ok, $"'{known.Name}' ({known.ExperimentId})");
        }
        catch (MlflowException e)
        {
            return new CheckResult("experiment", Failed, $"{e.Message}: set MLFLOW_EXPERIMENT_NAME to a path, as /Shared/my-app");
        }
    }

    private static string Advice(MlflowException e) => (int?)e.StatusCode switch
    {
        401 => ": look at the token or secret (DATABRICKS_TOKEN, DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET, or the profile in ~/.databrickscfg)",
        403 => ": ask an administrator of the workspace for the right",
        _ => ": look at DATABRICKS_HOST, at the profile in ~/.databrickscfg, and at proxies",
    };
}
