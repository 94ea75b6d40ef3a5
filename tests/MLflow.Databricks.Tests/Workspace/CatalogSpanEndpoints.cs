using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using MLflow.Tests.Otlp;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>Spans into a table of Unity Catalog. Fact sheet §1.11.</summary>
internal sealed class CatalogSpanEndpoints(StandInWorkspace workspace) : IWorkspaceEndpoints
{
    public const string Path = "/api/2.0/otel/v1/traces";

    public void Map(IEndpointRouteBuilder routes) => routes.MapPost(Path, IngestAsync);

    private async Task IngestAsync(HttpContext context)
    {
        if (context.Request.ContentType != "application/x-protobuf" || context.Request.Headers.ContentEncoding.Count > 0)
        {
            throw new UnlistedRequestException($"the content type is '{context.Request.ContentType}'");
        }

        if (!await workspace.Quotas.TryTakeAsync(context, QuotaGroup.CreateTraces))
        {
            return;
        }

        var name = context.Request.Headers["X-Databricks-UC-Table-Name"].ToString();
        if (name.Length == 0)
        {
            await ApiAnswers.InvalidAsync(context, "The header X-Databricks-UC-Table-Name is missing.");
            return;
        }

        if (workspace.Catalog.Table(name) is not { } table)
        {
            await ApiAnswers.MissingAsync(context, $"Table '{name}' does not exist.");
            return;
        }

        var request = ExportTraceServiceRequest.Parser.ParseFrom(ApiRequest.Body(context));
        foreach (var span in request.ResourceSpans.SelectMany(r => r.ScopeSpans).SelectMany(s => s.Spans))
        {
            // Protocol sheet §8.3: the span has the trace's id in the new form.
            var location = name[..name.LastIndexOf('.')];
            var id = span.Attributes.SingleOrDefault(a => a.Key == "mlflow.traceRequestId")?.Value.StringValue;
            if (id?.StartsWith($"trace:/{location}", StringComparison.Ordinal) != true || !id.EndsWith("/" + Convert.ToHexStringLower(span.TraceId.Span), StringComparison.Ordinal))
            {
                throw new UnlistedRequestException($"a span says that its trace is '{id}'");
            }

            table[Convert.ToHexStringLower(span.SpanId.Span)] = span;
        }

        // An empty answer says that all were taken.
        context.Response.ContentType = "application/x-protobuf";
    }
}
