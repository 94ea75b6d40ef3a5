using System.Globalization;
using MLflow.Server.Access;
using MLflow.Server.Access.Http;
using MLflow.Server.Storage;
using MLflow.Server.Traces;

namespace MLflow.Server.Rest;

/// <summary>
/// <c>/api/2.0/mlflow/traces…</c>: the calls of clients before 3.0, which tell the start of a trace and its end. Their spans come as <c>traces.json</c>.
/// Traces are the same, whichever calls wrote them.
/// </summary>
internal static class TraceV2Endpoints
{
    private const string Path = "2.0/mlflow/traces";

    public static void MapTracesV2(this IEndpointRouteBuilder routes)
    {
        routes.MapApi(HttpMethods.Post, Path, AccessPolicies.Ingest, StartAsync);
        routes.MapApi(HttpMethods.Get, Path, AccessPolicies.Read, SearchAsync);
        routes.MapApi(HttpMethods.Patch, Path + "/{requestId}", AccessPolicies.Ingest, EndAsync);
        routes.MapApi(HttpMethods.Get, Path + "/{requestId}/info", AccessPolicies.Read, GetInfoAsync);
    }

    private static async Task<IResult> StartAsync(HttpRequest request, ITraceStore store, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var info = new TraceInfo
        {
            // The server names the trace, without the prefix of newer ids.
            TraceId = Guid.NewGuid().ToString("n", CultureInfo.InvariantCulture),
            ExperimentId = ExperimentEndpoints.ParseId(body.Required("experiment_id")),
            RequestTimeMs = Time(body),
            State = TraceState.InProgress,
            Metadata = body.Pairs("request_metadata"),
            Tags = body.Pairs("tags"),
        };
        await store.WriteAsync(new TraceBatch { Infos = [info] }, cancellationToken).ConfigureAwait(false);
        return Answer(await FindAsync(store, info.TraceId, cancellationToken).ConfigureAwait(false));
    }

    private static async Task<IResult> EndAsync(string requestId, HttpRequest request, ITraceStore store, CurrentCaller caller, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var endMs = Time(body);
        var started = await FindAsync(store, requestId, cancellationToken).ConfigureAwait(false);
        var ended = new TraceInfo
        {
            TraceId = requestId,
            ExperimentId = started.ExperimentId,
            RequestTimeMs = started.RequestTimeMs,
            DurationMs = endMs - started.RequestTimeMs,
            State = TraceInfoJson.ReadState(body.String("status")),
            Metadata = body.Pairs("request_metadata"),
            Tags = body.Pairs("tags"),
        };
        await store.WriteAsync(new TraceBatch { Infos = [ended] }, cancellationToken).ConfigureAwait(false);
        var stored = await FindAsync(store, requestId, cancellationToken).ConfigureAwait(false);
        return Answer(TraceEndpoints.Answered(ended, stored, await caller.GetAsync().ConfigureAwait(false)));
    }

    private static async Task<IResult> GetInfoAsync(string requestId, ITraceStore store, CancellationToken cancellationToken) =>
        Answer(await FindAsync(store, requestId, cancellationToken).ConfigureAwait(false));

    private static async Task<IResult> SearchAsync(HttpRequest request, ITraceStore store, CancellationToken cancellationToken)
    {
        var parameters = RequestJson.FromQuery(request);
        var experimentIds = parameters.Strings("experiment_ids").Select(ExperimentEndpoints.ParseId).Distinct().ToList();
        var page = await store.SearchAsync(
            new TraceQuery
            {
                ExperimentIds = experimentIds.Count > 0 ? experimentIds : throw RequestJson.Missing("experiment_ids"),
                Filter = parameters.String("filter"),
                OrderBy = parameters.Strings("order_by"),
                PageSize = (int)Math.Clamp(parameters.Int64("max_results") ?? 100, 0, int.MaxValue),
                PageToken = parameters.String("page_token"),
            },
            cancellationToken).ConfigureAwait(false);
        return new JsonAnswer(writer =>
        {
            writer.WriteList("traces", page.Traces, TraceInfoV2Json.Write);
            writer.WriteText("next_page_token", page.NextPageToken);
        });
    }

    private static long Time(RequestJson body) => WireTime.RequireMs(body.Int64("timestamp_ms") ?? throw RequestJson.Missing("timestamp_ms"), "timestamp_ms");

    private static async Task<TraceInfo> FindAsync(ITraceStore store, string requestId, CancellationToken cancellationToken) =>
        (await store.GetInfosAsync([requestId], cancellationToken).ConfigureAwait(false)).SingleOrDefault()
        ?? throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"Trace with request_id '{requestId}' not found");

    private static JsonAnswer Answer(TraceInfo info) => new(writer =>
    {
        writer.WritePropertyName("trace_info");
        TraceInfoV2Json.Write(writer, info);
    });
}
