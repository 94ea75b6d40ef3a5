using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.HttpResults;
using MLflow.Server.Access.Http;
using MLflow.Server.Storage;
using MLflow.Server.Ui.Spans;

namespace MLflow.Server.Ui.Share;

/// <summary><c>/traces/{id}/share.html</c>: one trace as one file, which asks for nothing and runs nothing.</summary>
internal static class ShareEndpoints
{
    public static void MapShare(this IEndpointRouteBuilder routes) => routes.MapGet("/traces/{traceId}/share.html", ShareAsync).RequireAccess(AccessPolicies.Read);

    private static async Task<IResult> ShareAsync(HttpContext context, string traceId, ITraceStore traces, SharedMedia media, UiAssets files, TimeProvider clock, CancellationToken cancellationToken)
    {
        var query = context.Request.Query;
        var options = ShareOptions.Read(query["content"], query["mask"]);
        if ((await traces.GetInfosAsync([traceId], cancellationToken).ConfigureAwait(false)) is not [var info])
        {
            throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"Trace with ID '{traceId}' not found.");
        }

        var redaction = new TraceRedaction(options);
        var spans = (await traces.GetSpansAsync(traceId, cancellationToken).ConfigureAwait(false)).Select(redaction.Apply).ToList();
        if (options.WithContent)
        {
            spans = await media.EmbedAsync(info, spans, cancellationToken).ConfigureAwait(false);
        }

        var style = Encoding.UTF8.GetString(files["app.css"].Content);
        context.Response.Headers.ContentDisposition = $"attachment; filename=\"{Uri.EscapeDataString(traceId)}.html\"";
        context.Response.Headers.CacheControl = "no-store";
        return new RazorComponentResult<SharedTrace>(new Dictionary<string, object?>
        {
            [nameof(SharedTrace.View)] = new TraceView(redaction.Apply(info), spans, clock.GetUtcNow()),
            [nameof(SharedTrace.Style)] = style,
            [nameof(SharedTrace.StyleHash)] = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(style))),
            [nameof(SharedTrace.WithContent)] = options.WithContent,
        })
        { PreventStreamingRendering = true };
    }
}
