using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>Feedback and expectations on traces of experiments. Protocol sheet §1.12.</summary>
internal sealed class AssessmentEndpoints(StandInWorkspace workspace) : IWorkspaceEndpoints
{
    private const string Path = "/api/3.0/mlflow/traces/{id}/assessments";

    private static readonly string[] Members =
    [
        "assessment_id", "assessment_name", "trace_id", "span_id", "source", "create_time", "last_update_time", "feedback", "expectation", "rationale", "metadata", "overrides", "valid",
    ];

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(Path, async context =>
        {
            var body = ApiRequest.Json(context, "assessment");
            if (await FindAsync(context) is { } trace)
            {
                await AnswerAsync(context, Add(trace, (JsonObject)body["assessment"]!));
            }
        });
        routes.MapGet(Path + "/{assessment}", async context =>
        {
            ApiRequest.Query(context, "trace_id", "assessment_id");
            if (await FindAsync(context) is { } trace && await FindAsync(context, trace) is { } assessment)
            {
                await AnswerAsync(context, assessment);
            }
        });
        routes.MapPatch(Path + "/{assessment}", async context =>
        {
            var body = ApiRequest.Json(context, "assessment", "update_mask");
            if (await FindAsync(context) is { } trace && await FindAsync(context, trace) is { } assessment)
            {
                // A JSON field mask: one string, lowerCamelCase.
                Update(assessment, (JsonObject)body["assessment"]!, body["update_mask"]!.GetValue<string>().Split(',').Select(Snake));
                await AnswerAsync(context, assessment);
            }
        });
        routes.MapDelete(Path + "/{assessment}", async context =>
        {
            ApiRequest.Json(context, "trace_id", "assessment_id");
            if (await FindAsync(context) is { } trace)
            {
                trace.Assessments.RemoveAll(a => ApiRequest.Text(a, "assessment_id") == ApiRequest.Route(context, "assessment"));
                await ApiAnswers.OkAsync(context, new { });
            }
        });
    }

    /// <summary>The assessment as it is stored: the server gives the id.</summary>
    public static JsonObject Complete(JsonObject assessment, string traceId)
    {
        ApiRequest.Only(assessment, Members);
        var stored = (JsonObject)assessment.DeepClone();
        stored["assessment_id"] = "a-" + Guid.NewGuid().ToString("N");
        stored["trace_id"] = traceId;
        return stored;
    }

    public static JsonObject Add(StoredTrace trace, JsonObject assessment)
    {
        var stored = Complete(assessment, trace.Id);
        if (ApiRequest.Text(stored, "overrides") is { } old && trace.Assessments.Find(a => ApiRequest.Text(a, "assessment_id") == old) is { } replaced)
        {
            replaced["valid"] = false;
        }

        trace.Assessments.Add(stored);
        return stored;
    }

    public static void Update(JsonObject assessment, JsonObject change, IEnumerable<string> fields)
    {
        foreach (var field in fields)
        {
            if (!change.ContainsKey(field))
            {
                throw new UnlistedRequestException($"the update mask names '{field}', which is not told");
            }

            assessment[field] = change[field]?.DeepClone();
        }
    }

    private static string Snake(string camel) => string.Concat(camel.Select(c => char.IsAsciiLetterUpper(c) ? "_" + char.ToLowerInvariant(c) : c.ToString()));

    private static Task AnswerAsync(HttpContext context, JsonObject assessment) => ApiAnswers.OkAsync(context, new JsonObject { ["assessment"] = assessment.DeepClone() });

    private async Task<StoredTrace?> FindAsync(HttpContext context)
    {
        var id = ApiRequest.Route(context, "id");
        if (workspace.Traces.Find(id) is { } trace)
        {
            return trace;
        }

        await ApiAnswers.MissingAsync(context, $"Trace with ID '{id}' not found.");
        return null;
    }

    private static async Task<JsonObject?> FindAsync(HttpContext context, StoredTrace trace)
    {
        var id = ApiRequest.Route(context, "assessment");
        if (trace.Assessments.Find(a => ApiRequest.Text(a, "assessment_id") == id) is { } assessment)
        {
            return assessment;
        }

        await ApiAnswers.MissingAsync(context, $"Assessment with ID '{id}' not found for trace '{trace.Id}'");
        return null;
    }
}
