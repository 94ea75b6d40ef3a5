using System.Text.Json;
using MLflow.Server.Access;
using MLflow.Server.Access.Http;
using MLflow.Server.Artifacts;
using MLflow.Server.Storage;
using MLflow.Server.Traces;

namespace MLflow.Server.Rest;

/// <summary><c>/api/3.0/mlflow/traces/…</c>: what writes and reads whole traces.</summary>
internal static class TraceEndpoints
{
    /// <summary>How long a reader waits for the rest of a trace that is still being sent, as MLflow does.</summary>
    private static readonly TimeSpan[] WaitsForRest = [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2)];

    /// <summary>Traces that one request may link to a run, as in MLflow.</summary>
    private const int MaxLinks = 100;

    public static void MapTraces(this IEndpointRouteBuilder routes)
    {
        routes.MapApi(HttpMethods.Post, "3.0/mlflow/traces", AccessPolicies.Ingest, StartAsync);
        routes.MapApi(HttpMethods.Get, "3.0/mlflow/traces/{traceId}", AccessPolicies.Read, GetInfoAsync);
        routes.MapApi(HttpMethods.Get, "3.0/mlflow/traces/get", AccessPolicies.Read, GetAsync);
        routes.MapApi(HttpMethods.Get, "3.0/mlflow/traces/batchGet", AccessPolicies.Read, BatchGetAsync);
        routes.MapApi(HttpMethods.Post, "3.0/mlflow/traces/batchGetInfos", AccessPolicies.Read, BatchGetInfosAsync);
        routes.MapApi(HttpMethods.Post, "3.0/mlflow/traces/search", AccessPolicies.Read, SearchAsync);
        routes.MapApi(HttpMethods.Post, "2.0/mlflow/traces/link-to-run", AccessPolicies.Write, LinkToRunAsync);
        routes.MapApi(HttpMethods.Post, "2.0/mlflow/traces/link-prompts", AccessPolicies.Ingest, LinkPromptsAsync);
        foreach (var version in (ReadOnlySpan<string>)["2.0", "3.0"])
        {
            routes.MapApi(HttpMethods.Post, $"{version}/mlflow/traces/delete-traces", AccessPolicies.Write, DeleteAsync);
            routes.MapApi(HttpMethods.Patch, $"{version}/mlflow/traces/{{traceId}}/tags", AccessPolicies.Write, TraceTagEndpoints.SetAsync);
            routes.MapApi(HttpMethods.Delete, $"{version}/mlflow/traces/{{traceId}}/tags", AccessPolicies.Write, TraceTagEndpoints.DeleteAsync);
        }
    }

    // MLflow's StartTraceV3. Despite its name it is the last call for a trace, with all that is known of it.
    private static async Task<IResult> StartAsync(HttpRequest request, ITraceStore store, CurrentCaller caller, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var info = TraceInfoJson.ReadStartTrace(body);
        await store.WriteAsync(new TraceBatch { Infos = [info] }, cancellationToken).ConfigureAwait(false);
        return InfoAnswer(Answered(info, await FindAsync(store, info.TraceId, cancellationToken).ConfigureAwait(false) ?? info, await caller.GetAsync().ConfigureAwait(false)));
    }

    private static async Task<IResult> GetInfoAsync(string traceId, ITraceStore store, CancellationToken cancellationToken) =>
        InfoAnswer(await FindAsync(store, traceId, cancellationToken).ConfigureAwait(false)
            ?? throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"Trace with ID '{traceId}' not found."));

    private static async Task<IResult> GetAsync(HttpRequest request, ITraceStore store, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        var query = RequestJson.FromQuery(request);
        var traceId = query.Required("trace_id");
        var allowPartial = query.Boolean("allow_partial") ?? true;
        for (var attempt = 0; ; attempt++)
        {
            var info = await FindAsync(store, traceId, cancellationToken).ConfigureAwait(false)
                ?? throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"Trace with ID {traceId} is not found.");
            if (allowPartial || info.Facts.SpanCount >= (info.Facts.AnnouncedSpanCount ?? 0))
            {
                var spans = await store.GetSpansAsync(traceId, cancellationToken).ConfigureAwait(false);
                return new JsonAnswer(writer =>
                {
                    writer.WritePropertyName("trace");
                    WriteTrace(writer, info, spans);
                });
            }

            if (attempt == WaitsForRest.Length)
            {
                throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"Trace with ID {traceId} is not fully exported yet, please try again later.");
            }

            await Task.Delay(WaitsForRest[attempt], timeProvider, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task<IResult> BatchGetAsync(HttpRequest request, ITraceStore store, CancellationToken cancellationToken)
    {
        var infos = await store.GetInfosAsync(Ids(request, RequestJson.FromQuery(request), "trace_ids"), cancellationToken).ConfigureAwait(false);
        var complete = infos.Where(info => info.Facts.SpanCount >= (info.Facts.AnnouncedSpanCount ?? 0)).ToList();
        return new JsonAnswer(async writer =>
        {
            if (complete.Count == 0)
            {
                return;
            }

            writer.WriteStartArray("traces");
            foreach (var info in complete)
            {
                WriteTrace(writer, info, await store.GetSpansAsync(info.TraceId, cancellationToken).ConfigureAwait(false));
                await writer.FlushAsync(cancellationToken).ConfigureAwait(false);
            }

            writer.WriteEndArray();
        });
    }

    private static async Task<IResult> BatchGetInfosAsync(HttpRequest request, ITraceStore store, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var infos = await store.GetInfosAsync(Ids(request, body, "trace_ids"), cancellationToken).ConfigureAwait(false);
        return new JsonAnswer(writer => writer.WriteList("trace_infos", infos, TraceInfoJson.Write));
    }

    private static async Task<IResult> SearchAsync(HttpRequest request, ITraceStore store, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var experimentIds = body.Objects("locations")
            .Select(TraceInfoJson.ExperimentOf)
            .OfType<string>().Select(ExperimentEndpoints.ParseId).Distinct().ToList();
        var query = new TraceQuery
        {
            ExperimentIds = experimentIds,
            Filter = body.String("filter"),
            OrderBy = body.Strings("order_by"),
            PageSize = (int)Math.Clamp(body.Int64("max_results") ?? 100, 0, int.MaxValue),
            PageToken = body.String("page_token"),
        };
        var page = await store.SearchAsync(query, cancellationToken).ConfigureAwait(false);
        return new JsonAnswer(writer =>
        {
            writer.WriteList("traces", page.Traces, TraceInfoJson.Write);
            writer.WriteText("next_page_token", page.NextPageToken);
        });
    }

    private static async Task<IResult> LinkToRunAsync(HttpRequest request, ITraceStore store, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var traceIds = body.Strings("trace_ids");
        if (traceIds.Count > MaxLinks)
        {
            throw new MlflowException(
                ErrorCode.INVALID_PARAMETER_VALUE, $"Cannot link more than {MaxLinks} traces to a run in a single request. Provided {traceIds.Count} traces.");
        }

        await store.LinkToRunAsync(traceIds, body.Required("run_id"), cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static async Task<IResult> LinkPromptsAsync(HttpRequest request, ITraceStore store, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var prompts = body.Objects("prompt_versions").Select(prompt => new PromptVersion(prompt.Required("name"), prompt.Required("version"))).ToList();
        await store.LinkPromptsAsync(body.Required("trace_id"), prompts, cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static async Task<IResult> DeleteAsync(HttpRequest request, ITraceStore store, IExperimentStore experiments, TraceFiles files, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var experimentId = ExperimentEndpoints.ParseId(body.Required("experiment_id"));
        var traceIds = Ids(request, body, "request_ids");
        var maxTimestamp = body.Int64("max_timestamp_millis");
        var maxTraces = body.Int64("max_traces");
        var problem = (traceIds.Count > 0, maxTimestamp is not null) switch
        {
            (true, true) => "Only one of `max_timestamp_millis` and `trace_ids` can be specified.",
            (false, false) => "Either `max_timestamp_millis` or `trace_ids` must be specified.",
            (true, false) when maxTraces is not null => "`max_traces` can't be specified if `trace_ids` is specified.",
            _ when maxTraces <= 0 => $"`max_traces` must be a positive integer, received {maxTraces}.",
            _ => null,
        };
        if (problem is not null)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, problem);
        }

        var deletion = new TraceDeletion
        {
            ExperimentId = experimentId,
            TraceIds = traceIds.Count > 0 ? traceIds : null,
            MaxTimestampMs = maxTimestamp,
            MaxTraces = maxTraces is { } limit ? (int)Math.Min(limit, int.MaxValue) : null,
        };
        var deleted = await store.DeleteAsync(deletion, cancellationToken).ConfigureAwait(false);
        if (deleted.Count > 0 && await experiments.GetAsync(experimentId, cancellationToken).ConfigureAwait(false) is { } experiment)
        {
            files.Delete(experiment.ArtifactLocation, deleted);
        }

        return new JsonAnswer(writer => writer.WriteNumber("traces_deleted", deleted.Count));
    }

    private static IReadOnlyList<string> Ids(HttpRequest request, RequestJson parameters, string name)
    {
        var ids = parameters.Strings(name);
        var most = request.HttpContext.RequestServices.GetRequiredService<MlflowServerLimits>().MaxIdsPerRequest;
        return ids.Count <= most ? ids
            : throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"'{name}' has {ids.Count} ids; at most {most} are taken at once (--max-ids-per-request). Split the call.");
    }

    /// <summary>What the answer to a write shows: whoever may send traces only is told what they sent, and where the rest of it is to go.</summary>
    public static TraceInfo Answered(TraceInfo sent, TraceInfo stored, Caller caller) => caller.May(ExperimentRights.Read, stored.ExperimentId)
        ? stored
        : sent with
        {
            Tags = new Dictionary<string, string>(sent.Tags.Concat(
                stored.Tags.Where(tag => tag.Key is TraceKeys.ArtifactLocation or TraceKeys.SpansLocation && !sent.Tags.ContainsKey(tag.Key)))),
        };

    private static async Task<TraceInfo?> FindAsync(ITraceStore store, string traceId, CancellationToken cancellationToken) =>
        (await store.GetInfosAsync([traceId], cancellationToken).ConfigureAwait(false)).SingleOrDefault();

    private static JsonAnswer InfoAnswer(TraceInfo info) => new(writer =>
    {
        writer.WriteStartObject("trace");
        writer.WritePropertyName("trace_info");
        TraceInfoJson.Write(writer, info);
        writer.WriteEndObject();
    });

    public static void WriteTrace(Utf8JsonWriter writer, TraceInfo info, IReadOnlyList<SpanRecord> spans)
    {
        writer.WriteStartObject();
        writer.WritePropertyName("trace_info");
        TraceInfoJson.Write(writer, info);
        writer.WriteList("spans", spans, SpanJson.Write);
        writer.WriteEndObject();
    }
}
