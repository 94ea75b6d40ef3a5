using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using MLflow.Tests.Otlp;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>Traces of Unity Catalog, the V4 API. Fact sheet §1.10, protocol sheet §8.3.</summary>
internal sealed partial class CatalogTraceEndpoints(StandInWorkspace workspace) : IWorkspaceEndpoints
{
    private const string Base = "/api/4.0/mlflow/traces/";
    private const string Trace = Base + "{location}/{id}";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(Trace + "/info", CreateAsync);
        routes.MapGet(Trace + "/info", context => WithTraceAsync(context, needsWarehouse: true, trace => AnswerInfoAsync(context, trace)));
        routes.MapGet(Base + "{location}/batchGet", BatchGetAsync);
        routes.MapPatch(Trace + "/tags", context => WithTraceAsync(context, needsWarehouse: false, async trace =>
        {
            var body = ApiRequest.Json(context, "key", "value");
            trace.Tags[ApiRequest.Text(body, "key")!] = ApiRequest.Text(body, "value");
            await ApiAnswers.OkAsync(context, new { });
        }));
        routes.MapDelete(Trace + "/tags/{key}", context => WithTraceAsync(context, needsWarehouse: true, async trace =>
        {
            trace.Tags.Remove(ApiRequest.Route(context, "key"));
            await ApiAnswers.OkAsync(context, new { });
        }));
        routes.MapPost(Base + "search", SearchAsync);
        routes.MapPost(Base + "location", CreateLocationAsync);
        routes.MapPost(Base + "{experiment}/link-location", context => LinkAsync(context, isLink: true));
        routes.MapPost(Base + "{experiment}/unlink-location", context => LinkAsync(context, isLink: false));
        routes.MapPost(Base + "{location}/link-to-run/batchCreate", LinkToRunAsync);
        routes.MapPost(Trace + "/assessments", context => WithTraceAsync(context, needsWarehouse: true, async trace =>
        {
            // The bare assessment, without a wrapper.
            await ApiAnswers.OkAsync(context, AssessmentEndpoints.Add(trace, ApiRequest.Json(context, AssessmentMembers)).DeepClone());
        }));
        routes.MapGet(Trace + "/assessments/{assessment}", context => WithAssessmentAsync(context, (_, assessment) => ApiAnswers.OkAsync(context, assessment.DeepClone())));
        routes.MapPatch(Trace + "/assessments/{assessment}", context => WithAssessmentAsync(context, async (_, assessment) =>
        {
            // The mask stands in the query, in snake_case.
            AssessmentEndpoints.Update(assessment, ApiRequest.Json(context, AssessmentMembers), context.Request.Query["update_mask"].ToString().Split(','));
            await ApiAnswers.OkAsync(context, assessment.DeepClone());
        }));
        routes.MapDelete(Trace + "/assessments/{assessment}", context => WithAssessmentAsync(context, async (trace, assessment) =>
        {
            trace.Assessments.Remove(assessment);
            await ApiAnswers.OkAsync(context, new { });
        }));
    }

    private static readonly string[] AssessmentMembers =
    [
        "assessment_id", "assessment_name", "trace_id", "span_id", "source", "create_time", "last_update_time", "feedback", "expectation", "rationale", "metadata", "overrides", "valid",
    ];

    private async Task CreateAsync(HttpContext context)
    {
        if (!await workspace.Quotas.TryTakeAsync(context, QuotaGroup.CreateTraces))
        {
            return;
        }

        var (location, id) = (ApiRequest.Route(context, "location"), ApiRequest.Route(context, "id"));
        var info = (JsonObject)JsonNode.Parse(ApiRequest.Body(context))!;
        if (workspace.Catalog.Table(StoredCatalog.TableOf(location)) is null)
        {
            await ApiAnswers.MissingAsync(context, $"Location '{location}' does not exist.");
            return;
        }

        // The body is the info itself, and its trace_id lacks the prefix.
        if (!TraceId().IsMatch(id) || ApiRequest.Text(info, "trace_id") != id || TraceInfoRules.Mistake(info, "4") is not null || !IsLocation(info["trace_location"], location))
        {
            await ApiAnswers.InvalidAsync(context, TraceInfoRules.Mistake(info, "4") ?? $"The trace '{ApiRequest.Text(info, "trace_id")}' does not belong to '{location}'.");
            return;
        }

        var stored = (JsonObject)info.DeepClone();
        stored["tags"] ??= new JsonObject();
        var assessments = stored["assessments"] as JsonArray;
        stored.Remove("assessments");
        var trace = new StoredTrace(id, location, stored);
        foreach (var assessment in assessments ?? [])
        {
            trace.Assessments.Add(AssessmentEndpoints.Complete((JsonObject)assessment!.DeepClone(), id));
        }

        workspace.Catalog.Put(trace);
        await ApiAnswers.OkAsync(context, Stored(trace));
    }

    private async Task BatchGetAsync(HttpContext context)
    {
        ApiRequest.Query(context, "trace_ids", "sql_warehouse_id");
        if (!await workspace.Quotas.TryTakeAsync(context, QuotaGroup.GetTraces) || !await HasWarehouseAsync(context, context.Request.Query["sql_warehouse_id"]))
        {
            return;
        }

        var location = ApiRequest.Route(context, "location");
        if (workspace.Catalog.ReadsBeforeVisible > 0)
        {
            workspace.Catalog.ReadsBeforeVisible--;
            await ApiAnswers.OkAsync(context, new { });
            return;
        }

        var found = context.Request.Query["trace_ids"].Select(id => workspace.Catalog.Find(location, id!)).OfType<StoredTrace>().Select(trace => new JsonObject
        {
            ["trace_info"] = Stored(trace),
            ["spans"] = new JsonArray([.. workspace.Catalog.Spans(location, trace.Id).Select(SpanJson)]),
        });
        await ApiAnswers.OkAsync(context, new JsonObject { ["traces"] = new JsonArray([.. found]) });
    }

    private async Task SearchAsync(HttpContext context)
    {
        var body = ApiRequest.Json(context, "locations", "filter", "max_results", "order_by", "sql_warehouse_id", "page_token");
        if (!await workspace.Quotas.TryTakeAsync(context, QuotaGroup.SearchTraces) || !await HasWarehouseAsync(context, ApiRequest.Text(body, "sql_warehouse_id")))
        {
            return;
        }

        var locations = ((JsonArray)body["locations"]!).Select(LocationOf).ToHashSet();
        try
        {
            var found = workspace.Catalog.Traces.Where(t => locations.Contains(t.Place)).Where(TraceFilter.Parse(ApiRequest.Text(body, "filter")));
            await TraceEndpoints.AnswerPageAsync(context, found, body, "trace_infos");
        }
        catch (FormatException e)
        {
            await ApiAnswers.InvalidAsync(context, e.Message);
        }
    }

    private async Task CreateLocationAsync(HttpContext context)
    {
        var body = ApiRequest.Json(context, "uc_schema", "sql_warehouse_id");
        var schema = (JsonObject)body["uc_schema"]!;
        ApiRequest.Only(schema, "catalog_name", "schema_name");
        var location = $"{ApiRequest.Text(schema, "catalog_name")}.{ApiRequest.Text(schema, "schema_name")}";
        if (!await HasWarehouseAsync(context, ApiRequest.Text(body, "sql_warehouse_id")))
        {
            return;
        }

        if (!workspace.Catalog.HasSchema(location))
        {
            await ApiAnswers.MissingAsync(context, $"Schema '{location}' does not exist.");
        }
        else if (!workspace.Catalog.CreateTable(location))
        {
            await ApiAnswers.RefuseAsync(context, 409, "ALREADY_EXISTS", $"Location '{location}' already exists.");
        }
        else
        {
            schema["otel_spans_table_name"] = StoredCatalog.TableOf(location);
            schema["otel_logs_table_name"] = location + ".mlflow_experiment_trace_otel_logs";
            await ApiAnswers.OkAsync(context, new JsonObject { ["uc_schema"] = schema.DeepClone() });
        }
    }

    private async Task LinkAsync(HttpContext context, bool isLink)
    {
        var body = ApiRequest.Json(context, "experiment_id", "uc_schema");
        if (workspace.Experiments.Find(ApiRequest.Route(context, "experiment")) is not { } experiment)
        {
            await ApiAnswers.MissingAsync(context, $"No Experiment with id={ApiRequest.Route(context, "experiment")} exists");
            return;
        }

        experiment.LinkedLocation = isLink ? $"{ApiRequest.Text(body["uc_schema"], "catalog_name")}.{ApiRequest.Text(body["uc_schema"], "schema_name")}" : null;
        await ApiAnswers.OkAsync(context, new { });
    }

    private async Task LinkToRunAsync(HttpContext context)
    {
        var body = ApiRequest.Json(context, "location_id", "trace_ids", "run_id");
        var ids = ((JsonArray)body["trace_ids"]!).Select(id => id!.GetValue<string>()).ToList();
        if (ids.Count > 100)
        {
            await ApiAnswers.InvalidAsync(context, "At most 100 traces can be linked in one request.");
            return;
        }

        foreach (var id in ids)
        {
            if (workspace.Catalog.Find(ApiRequest.Route(context, "location"), id) is { } trace)
            {
                ((JsonObject)trace.Info["trace_metadata"]!)["mlflow.sourceRun"] = ApiRequest.Text(body, "run_id");
            }
        }

        await ApiAnswers.OkAsync(context, new { });
    }

    private Task WithAssessmentAsync(HttpContext context, Func<StoredTrace, JsonObject, Task> answer) => WithTraceAsync(context, needsWarehouse: true, async trace =>
    {
        var id = ApiRequest.Route(context, "assessment");
        if (trace.Assessments.Find(a => ApiRequest.Text(a, "assessment_id") == id) is { } assessment)
        {
            await answer(trace, assessment);
        }
        else
        {
            await ApiAnswers.MissingAsync(context, $"Assessment with ID '{id}' not found for trace '{trace.Id}'");
        }
    });

    private async Task WithTraceAsync(HttpContext context, bool needsWarehouse, Func<StoredTrace, Task> answer)
    {
        ApiRequest.Query(context, "sql_warehouse_id", "update_mask");
        if (needsWarehouse && !await HasWarehouseAsync(context, context.Request.Query["sql_warehouse_id"]))
        {
            return;
        }

        var (location, id) = (ApiRequest.Route(context, "location"), ApiRequest.Route(context, "id"));
        if (workspace.Catalog.Find(location, id) is { } trace)
        {
            await answer(trace);
        }
        else
        {
            await ApiAnswers.MissingAsync(context, $"Trace '{id}' does not exist in '{location}'.");
        }
    }

    /// <summary>Fact sheet §1.10: without a warehouse nothing of Unity Catalog can be read.</summary>
    private async Task<bool> HasWarehouseAsync(HttpContext context, string? warehouse)
    {
        if (warehouse == workspace.Catalog.Warehouse)
        {
            return true;
        }

        await ApiAnswers.InvalidAsync(context, "Could not resolve a SQL warehouse ID");
        return false;
    }

    private static Task AnswerInfoAsync(HttpContext context, StoredTrace trace) =>
        ApiAnswers.OkAsync(context, new JsonObject { ["trace"] = new JsonObject { ["trace_info"] = Stored(trace) } });

    private static JsonObject Stored(StoredTrace trace) => trace.ToJson();

    private static bool IsLocation(JsonNode? json, string location) => LocationOf(json) == location;

    /// <summary>Protocol sheet §2.3. How the member of a location with a prefix is called is inferred from its type.</summary>
    private static string? LocationOf(JsonNode? json) => ApiRequest.Text(json, "type") switch
    {
        "UC_SCHEMA" => $"{ApiRequest.Text(json!["uc_schema"], "catalog_name")}.{ApiRequest.Text(json["uc_schema"], "schema_name")}",
        "UC_TABLE_PREFIX" =>
            $"{ApiRequest.Text(json!["uc_table_prefix"], "catalog_name")}.{ApiRequest.Text(json["uc_table_prefix"], "schema_name")}.{ApiRequest.Text(json["uc_table_prefix"], "table_prefix")}",
        _ => null,
    };

    /// <summary>A span as MLflow's API writes it: ids in base64, attributes as pairs.</summary>
    private static JsonObject SpanJson(Span span) => new()
    {
        ["trace_id"] = Convert.ToBase64String(span.TraceId.Span),
        ["span_id"] = Convert.ToBase64String(span.SpanId.Span),
        ["parent_span_id"] = span.ParentSpanId.IsEmpty ? null : Convert.ToBase64String(span.ParentSpanId.Span),
        ["name"] = span.Name,
        ["start_time_unix_nano"] = span.StartTimeUnixNano,
        ["end_time_unix_nano"] = span.EndTimeUnixNano,
        ["status"] = new JsonObject { ["code"] = span.Status?.Code switch { 1 => "STATUS_CODE_OK", 2 => "STATUS_CODE_ERROR", _ => "STATUS_CODE_UNSET" } },
        ["attributes"] = new JsonArray([.. span.Attributes.Select(a => new JsonObject { ["key"] = a.Key, ["value"] = ValueJson(a.Value) })]),
    };

    private static JsonObject ValueJson(AnyValue value) => value.ValueCase switch
    {
        AnyValue.ValueOneofCase.BoolValue => new() { ["bool_value"] = value.BoolValue },
        AnyValue.ValueOneofCase.IntValue => new() { ["int_value"] = value.IntValue },
        AnyValue.ValueOneofCase.DoubleValue => new() { ["double_value"] = value.DoubleValue },
        _ => new() { ["string_value"] = value.StringValue },
    };

    [GeneratedRegex("^[0-9a-f]{32}$")]
    private static partial Regex TraceId();
}
