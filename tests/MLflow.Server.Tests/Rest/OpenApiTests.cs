using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using MLflow.Server.Tests.Hosting;
using Xunit;

namespace MLflow.Server.Tests.Rest;

/// <summary>The document has the calls that there are, as they are. Bodies of calls in JSON are checked where those calls are made, in <see cref="WrongRequestTests"/>.</summary>
public sealed partial class OpenApiTests(SomeServer server) : IClassFixture<SomeServer>
{
    [Fact]
    public void Document_HasEveryRouteAndNoOther()
    {
        var routes = server.Server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => RoutesTests.IsForPrograms(endpoint.RoutePattern.RawText!) && !endpoint.RoutePattern.RawText!.StartsWith("/opentelemetry.", StringComparison.Ordinal))
            .SelectMany(endpoint => endpoint.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods.Select(method => $"{method} {Parameter().Replace(endpoint.RoutePattern.RawText!, "{$1}")}"))
            .Concat(["GET /metrics", "GET /openapi/v1.json"])
            .ToList();

        // Under /ajax-api are the same calls again; what is there alone stands in the document by itself.
        var told = OpenApiContract.Calls.SelectMany(call => call.Contains(" /api/", StringComparison.Ordinal) ? [call, call.Replace(" /api/", " /ajax-api/", StringComparison.Ordinal)] : (string[])[call]);

        Assert.Equal(routes.Order(StringComparer.Ordinal), told.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Document_IsServedAsItIs()
    {
        var (status, body) = await server.GetAsync("/openapi/v1.json");

        Assert.Equal((200, "3.1.0", Server.Rest.ServerEndpoints.ProtocolVersion), (status, body.GetProperty("openapi").GetString(), body.GetProperty("info").GetProperty("version").GetString()));
        Assert.Equal(OpenApiContract.Document.GetRawText(), body.GetRawText());
    }

    [Fact]
    public void References_AllLeadSomewhere()
    {
        var schemas = OpenApiContract.Document.GetProperty("components").GetProperty("schemas").EnumerateObject().Select(schema => "#/components/schemas/" + schema.Name).ToHashSet();

        Assert.All(Reference().Matches(OpenApiContract.Document.GetRawText()), reference => Assert.Contains(reference.Groups[1].Value, schemas));
    }

    [Theory]
    [InlineData("/api/2.0/mlflow/experiments/get?experiment_id=0")]
    [InlineData("/api/2.0/mlflow/experiments/get?experiment_id=none")]
    [InlineData("/api/2.0/mlflow/experiments/get-by-name?experiment_name=Default")]
    [InlineData("/api/2.0/mlflow/experiments/search?max_results=5&filter=&view_type=ALL&order_by=name")]
    [InlineData("/api/2.0/mlflow/traces?experiment_ids=0&max_results=5&filter=&order_by=timestamp_ms")]
    [InlineData("/api/2.0/mlflow/traces/{trace}/info")]
    [InlineData("/api/2.0/mlflow/runs/get?run_id={run}")]
    [InlineData("/api/3.0/mlflow/traces/{trace}")]
    [InlineData("/api/3.0/mlflow/traces/get?trace_id={trace}&allow_partial=true")]
    [InlineData("/api/3.0/mlflow/traces/batchGet?trace_ids={trace}")]
    [InlineData("/api/3.0/mlflow/traces/{trace}/assessments/{assessment}")]
    [InlineData("/api/3.0/mlflow/traces/{trace}/assessments/none")]
    [InlineData("/api/3.0/mlflow/server-info")]
    [InlineData("/api/2.0/mlflow-artifacts/artifacts?path=openapi")]
    [InlineData("/api/2.0/mlflow-artifacts/artifacts/0/traces/{trace}/artifacts/traces.json")]
    [InlineData("/ajax-api/3.0/mlflow/get-trace-artifact?request_id={trace}")]
    [InlineData("/health/ready")]
    public async Task Read_IsAsTheDocumentSays(string path)
    {
        using var file = new StringContent("x");
        await server.Client.PutAsync(new Uri("/api/2.0/mlflow-artifacts/artifacts/openapi/file", UriKind.Relative), file, Xunit.TestContext.Current.CancellationToken);
        var traceId = Guid.NewGuid().ToString("n");
        await server.PostAsync("/v1/traces", new { resourceSpans = new[] { new { scopeSpans = new[] { new { spans = new[] { new { traceId, spanId = "0000000000000001", name = "s", startTimeUnixNano = "1000000", endTimeUnixNano = "2000000" } } } } } } });
        var assessment = (await server.PostAsync($"/api/3.0/mlflow/traces/tr-{traceId}/assessments", new { assessment = new { assessment_name = "x", source = new { source_type = "HUMAN", source_id = "me" }, feedback = new { value = true } } })).Body;
        var run = (await server.PostAsync("/api/2.0/mlflow/runs/create", new { experiment_id = "0" })).Body;
        var asked = path.Replace("{trace}", "tr-" + traceId, StringComparison.Ordinal).Replace("{run}", run.GetProperty("run").GetProperty("info").GetProperty("run_id").GetString(), StringComparison.Ordinal)
            .Replace("{assessment}", assessment.GetProperty("assessment").GetProperty("assessment_id").GetString(), StringComparison.Ordinal);

        var (status, body) = await server.GetAsync(asked);

        Assert.NotEqual(JsonValueKind.Undefined, body.ValueKind);
        Assert.Empty(OpenApiContract.CheckAnswer("GET", asked, status, body));
        Assert.All(Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(path.Contains('?', StringComparison.Ordinal) ? path.Split('?')[1] : "").Keys, name => Assert.Contains(name, OpenApiContract.Query("GET", asked)));
    }

    [GeneratedRegex(@"\{\**(\w+)(:\w+)?\}")]
    private static partial Regex Parameter();

    [GeneratedRegex("\"\\$ref\": \"([^\"]+)\"")]
    private static partial Regex Reference();
}
