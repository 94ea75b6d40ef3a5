using System.Buffers;
using System.Globalization;
using System.Text.Json;
using MLflow.Server.Access.Http;
using MLflow.Server.Rest;
using MLflow.Server.Storage;
using MLflow.Server.Traces;

namespace MLflow.Server.Ui.List;

/// <summary>Traces of a list as JSON lines, each as <c>GET 3.0/mlflow/traces/get</c> answers it: <c>{"trace_info":{…},"spans":[…]}</c>.</summary>
internal static class ExportEndpoints
{
    // Infos that are at hand at one time; spans are of one trace at a time.
    private const int PageSize = 100;

    public static void MapExport(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/experiments/{experimentId:long}/export", ExportAll).RequireAccess(AccessPolicies.Read);
        routes.MapPost("/experiments/{experimentId:long}/export", ExportSomeAsync).RequireAccess(AccessPolicies.Read);
    }

    /// <summary>All that a list shows, by the parts of its address.</summary>
    private static Task ExportAll(long experimentId, HttpContext context, IExperimentStore experiments, ITraceStore traces, TimeProvider clock)
    {
        var parts = context.Request.Query;
        var query = new TraceQuery
        {
            ExperimentIds = [experimentId],
            Filter = TimeWindow.Of(parts["range"], parts["from"], parts["to"], clock.GetUtcNow()).Filter(parts["q"]),
            OrderBy = string.IsNullOrEmpty(parts["sort"]) ? [] : [parts["sort"].ToString()],
            PageSize = PageSize,
        };
        return WriteAsync(experimentId, context, experiments, traces, token => traces.SearchAsync(query with { PageToken = token }, context.RequestAborted));
    }

    /// <summary>The traces that a form names, with commas between them.</summary>
    private static async Task ExportSomeAsync(long experimentId, HttpContext context, IExperimentStore experiments, ITraceStore traces)
    {
        var named = context.Request.HasFormContentType ? (await context.Request.ReadFormAsync(context.RequestAborted).ConfigureAwait(false))["traces"].ToString() : "";
        var pages = named.Split(',', StringSplitOptions.RemoveEmptyEntries).Distinct(StringComparer.Ordinal).Chunk(PageSize).ToList();
        await WriteAsync(experimentId, context, experiments, traces, async token =>
        {
            var page = token is null ? 0 : int.Parse(token, CultureInfo.InvariantCulture);
            var infos = page < pages.Count ? await traces.GetInfosAsync(pages[page], context.RequestAborted).ConfigureAwait(false) : [];
            return new TracePage([.. infos.Where(info => info.ExperimentId == experimentId)], page + 1 < pages.Count ? (page + 1).ToString(CultureInfo.InvariantCulture) : null);
        }).ConfigureAwait(false);
    }

    private static async Task WriteAsync(long experimentId, HttpContext context, IExperimentStore experiments, ITraceStore traces, Func<string?, Task<TracePage>> read)
    {
        _ = await experiments.GetAsync(experimentId, context.RequestAborted).ConfigureAwait(false)
            ?? throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"No Experiment with id={experimentId} exists");

        // What is wrong with the query is told before the answer begins.
        var page = await read(null).ConfigureAwait(false);
        context.Response.ContentType = "application/jsonl";
        context.Response.Headers.ContentDisposition = string.Create(CultureInfo.InvariantCulture, $"attachment; filename=traces-{experimentId}.jsonl");
        await using var writer = new Utf8JsonWriter(context.Response.BodyWriter, JsonAnswer.Options);
        while (true)
        {
            foreach (var info in page.Traces)
            {
                var spans = await traces.GetSpansAsync(info.TraceId, context.RequestAborted).ConfigureAwait(false);
                TraceEndpoints.WriteTrace(writer, info, spans);
                await writer.FlushAsync(context.RequestAborted).ConfigureAwait(false);
                writer.Reset();
                context.Response.BodyWriter.Write("\n"u8);

                // Into the network, at the pace of whoever reads: what is not flushed stays in memory.
                await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
            }

            if (page.NextPageToken is null)
            {
                break;
            }

            page = await read(page.NextPageToken).ConfigureAwait(false);
        }
    }
}
