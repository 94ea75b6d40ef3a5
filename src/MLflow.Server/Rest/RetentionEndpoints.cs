using System.Globalization;
using MLflow.Server.Access.Guards;
using MLflow.Server.Access.Http;
using MLflow.Server.Traces.Retention;

namespace MLflow.Server.Rest;

/// <summary><c>/api/3.0/mlflow/retention/…</c>, and deletion by user or session: calls of this server's own.</summary>
internal static class RetentionEndpoints
{
    public static void MapRetention(this IEndpointRouteBuilder routes)
    {
        routes.MapApi(HttpMethods.Get, "3.0/mlflow/retention/get", AccessPolicies.Read, GetAsync);
        routes.MapApi(HttpMethods.Post, "3.0/mlflow/retention/set", AccessPolicies.Write, SetAsync);
        routes.MapApi(HttpMethods.Post, "3.0/mlflow/retention/run", AccessPolicies.Write, RunAsync);
        routes.MapApi(HttpMethods.Post, "3.0/mlflow/traces/delete-by-owner", AccessPolicies.Write, DeleteAsync);
    }

    private static async Task<IResult> GetAsync(HttpRequest request, RetentionGuard retention, CancellationToken cancellationToken)
    {
        var experimentId = ExperimentEndpoints.ParseId(RequestJson.FromQuery(request).Required("experiment_id"));
        return await AnswerAsync(experimentId, retention, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<IResult> SetAsync(HttpRequest request, RetentionGuard retention, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var experimentId = ExperimentEndpoints.ParseId(body.Required("experiment_id"));
        await retention.SetAsync(experimentId, body.String("days"), body.String("action"), cancellationToken).ConfigureAwait(false);
        return await AnswerAsync(experimentId, retention, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<IResult> RunAsync(HttpRequest request, RetentionGuard retention, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var isDryRun = body.Boolean("dry_run") ?? true;
        var outcomes = await retention.RunAsync(Experiments(body), isDryRun, cancellationToken).ConfigureAwait(false);
        return new JsonAnswer(writer =>
        {
            writer.WriteBoolean("dry_run", isDryRun);
            writer.WriteList("experiments", outcomes, (w, outcome) =>
            {
                w.WriteStartObject();
                w.WriteString("experiment_id", outcome.ExperimentId.ToString(CultureInfo.InvariantCulture));
                w.WriteNumber("deleted", outcome.Deleted);
                w.WriteNumber("archived", outcome.Archived);
                w.WriteNumber("kept", outcome.Kept);
                w.WriteNumber("failed", outcome.Failed);
                w.WriteEndObject();
            });
        });
    }

    private static async Task<IResult> DeleteAsync(HttpRequest request, RetentionGuard retention, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var owner = (body.String("user"), body.String("session")) switch
        {
            ({ Length: > 0 } user, null or "") => new TraceOwner(IsUser: true, user),
            (null or "", { Length: > 0 } session) => new TraceOwner(IsUser: false, session),
            _ => throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, "Either `user` or `session` must be specified, and not both: the traces of one of them are deleted."),
        };
        var isDryRun = body.Boolean("dry_run") ?? false;
        var counts = await retention.DeleteOwnedAsync(owner, Experiments(body), isDryRun, cancellationToken).ConfigureAwait(false);
        return new JsonAnswer(writer =>
        {
            writer.WriteBoolean("dry_run", isDryRun);
            writer.WriteNumber("traces_deleted", isDryRun ? 0 : counts.Sum(count => count.Traces));
            writer.WriteList("experiments", counts, (w, count) =>
            {
                w.WriteStartObject();
                w.WriteString("experiment_id", count.ExperimentId.ToString(CultureInfo.InvariantCulture));
                w.WriteNumber("traces", count.Traces);
                w.WriteEndObject();
            });
        });
    }

    private static List<long> Experiments(RequestJson body) => [.. body.Strings("experiment_ids").Select(ExperimentEndpoints.ParseId).Distinct()];

    private static async Task<IResult> AnswerAsync(long experimentId, RetentionGuard retention, CancellationToken cancellationToken)
    {
        var (policy, isOwn) = await retention.GetAsync(experimentId, cancellationToken).ConfigureAwait(false);
        return new JsonAnswer(writer =>
        {
            writer.WriteString("experiment_id", experimentId.ToString(CultureInfo.InvariantCulture));
            writer.WriteString("days", RetentionPolicy.TextOf(policy.Days));
            writer.WriteString("action", RetentionPolicy.TextOf(policy.Action));
            writer.WriteString("source", isOwn ? "experiment" : "server");
        });
    }
}
