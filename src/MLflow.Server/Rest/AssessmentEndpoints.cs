using MLflow.Server.Access.Http;
using MLflow.Server.Assessments;
using MLflow.Server.Storage;

namespace MLflow.Server.Rest;

/// <summary><c>/api/3.0/mlflow/traces/{id}/assessments…</c></summary>
internal static class AssessmentEndpoints
{
    private const string Path = "3.0/mlflow/traces/{traceId}/assessments";

    public static void MapAssessments(this IEndpointRouteBuilder routes)
    {
        routes.MapApi(HttpMethods.Post, Path, AccessPolicies.Write, CreateAsync);
        routes.MapApi(HttpMethods.Get, Path + "/{assessmentId}", AccessPolicies.Read, GetAsync);
        routes.MapApi(HttpMethods.Patch, Path + "/{assessmentId}", AccessPolicies.Write, UpdateAsync);
        routes.MapApi(HttpMethods.Delete, Path + "/{assessmentId}", AccessPolicies.Write, DeleteAsync);
    }

    private static async Task<IResult> CreateAsync(string traceId, HttpRequest request, IAssessmentStore store, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var json = body.Object("assessment") ?? throw RequestJson.Missing("assessment");
        var assessment = AssessmentJson.Read(json, traceId, timeProvider.GetUtcNow().ToUnixTimeMilliseconds(), AssessmentJson.NewId);
        await store.CreateAsync(assessment, cancellationToken).ConfigureAwait(false);
        return Answer(assessment);
    }

    private static async Task<IResult> GetAsync(string traceId, string assessmentId, IAssessmentStore store, CancellationToken cancellationToken) =>
        Answer(await store.GetAsync(traceId, assessmentId, cancellationToken).ConfigureAwait(false));

    private static async Task<IResult> UpdateAsync(string traceId, string assessmentId, HttpRequest request, IAssessmentStore store, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var json = body.Object("assessment") ?? throw RequestJson.Missing("assessment");
        var change = AssessmentJson.ReadChange(json, body.Required("update_mask"));
        return Answer(await store.UpdateAsync(traceId, assessmentId, change, cancellationToken).ConfigureAwait(false));
    }

    private static async Task<IResult> DeleteAsync(string traceId, string assessmentId, IAssessmentStore store, CancellationToken cancellationToken)
    {
        await store.DeleteAsync(traceId, assessmentId, cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static JsonAnswer Answer(AssessmentRecord assessment) => new(writer =>
    {
        writer.WritePropertyName("assessment");
        AssessmentJson.Write(writer, assessment);
    });
}
