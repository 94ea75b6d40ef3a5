using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using MLflow.Server.Tests.Rest;
using Xunit;

namespace MLflow.Server.Tests.Hosting;

/// <summary>A route that is not in this list does not ship; for whom each is says <see cref="Access.AccessWalkTests"/>.</summary>
public sealed class RoutesTests : IClassFixture<SomeServer>
{
    private static readonly string[] Api =
    [
        "DELETE 2.0/mlflow-artifacts/artifacts/{**path}",
        "GET 2.0/mlflow-artifacts/artifacts",
        "GET 2.0/mlflow-artifacts/artifacts/{**path}",
        "PUT 2.0/mlflow-artifacts/artifacts/{**path}",
        "POST 2.0/mlflow-artifacts/mpu/abort/{**path}",
        "POST 2.0/mlflow-artifacts/mpu/complete/{**path}",
        "POST 2.0/mlflow-artifacts/mpu/create/{**path}",
        "PUT 2.0/mlflow-artifacts/mpu/parts/{uploadId}/{number:int}",
        "GET 2.0/mlflow/runs/get",
        "POST 2.0/mlflow/runs/create",
        "POST 2.0/mlflow/runs/delete",
        "POST 2.0/mlflow/runs/delete-tag",
        "POST 2.0/mlflow/runs/log-batch",
        "POST 2.0/mlflow/runs/log-metric",
        "POST 2.0/mlflow/runs/log-parameter",
        "POST 2.0/mlflow/runs/restore",
        "POST 2.0/mlflow/runs/search",
        "POST 2.0/mlflow/runs/set-tag",
        "POST 2.0/mlflow/runs/update",
        "GET 2.0/mlflow/traces",
        "GET 2.0/mlflow/traces/{requestId}/info",
        "PATCH 2.0/mlflow/traces/{requestId}",
        "POST 2.0/mlflow/traces",
        "POST 2.0/mlflow/traces/link-prompts",
        "POST 3.0/mlflow/traces/calculate-filter-correlation",
        "POST 3.0/mlflow/traces/metrics",
        "GET 2.0/mlflow/experiments/get",
        "GET 2.0/mlflow/experiments/get-by-name",
        "GET 2.0/mlflow/experiments/search",
        "POST 2.0/mlflow/experiments/create",
        "POST 2.0/mlflow/experiments/delete",
        "POST 2.0/mlflow/experiments/delete-experiment-tag",
        "POST 2.0/mlflow/experiments/restore",
        "POST 2.0/mlflow/experiments/search",
        "POST 2.0/mlflow/experiments/set-experiment-tag",
        "POST 2.0/mlflow/experiments/update",
        "GET 2.0/mlflow-artifacts/artifacts/{experimentId}/traces/{traceId}/artifacts/traces.json",
        "PUT 2.0/mlflow-artifacts/artifacts/{experimentId}/traces/{traceId}/artifacts/traces.json",
        "DELETE 2.0/mlflow/traces/{traceId}/tags",
        "DELETE 3.0/mlflow/traces/{traceId}/tags",
        "PATCH 2.0/mlflow/traces/{traceId}/tags",
        "PATCH 3.0/mlflow/traces/{traceId}/tags",
        "DELETE 3.0/mlflow/traces/{traceId}/assessments/{assessmentId}",
        "GET 3.0/mlflow/traces/{traceId}/assessments/{assessmentId}",
        "PATCH 3.0/mlflow/traces/{traceId}/assessments/{assessmentId}",
        "POST 3.0/mlflow/traces/{traceId}/assessments",
        "POST 2.0/mlflow/traces/delete-traces",
        "POST 2.0/mlflow/traces/link-to-run",
        "POST 3.0/mlflow/traces/delete-traces",
        "GET 3.0/mlflow/traces/{traceId}",
        "GET 3.0/mlflow/traces/batchGet",
        "GET 3.0/mlflow/traces/get",
        "POST 3.0/mlflow/traces",
        "POST 3.0/mlflow/traces/batchGetInfos",
        "POST 3.0/mlflow/traces/search",
        "GET 3.0/mlflow/server-info",
        "GET 3.0/mlflow/retention/get",
        "POST 3.0/mlflow/retention/set",
        "POST 3.0/mlflow/retention/run",
        "POST 3.0/mlflow/traces/delete-by-owner",
        "DELETE 2.0/mlflow/experiments/permissions/delete",
        "GET 2.0/mlflow/experiments/permissions/get",
        "PATCH 2.0/mlflow/experiments/permissions/update",
        "POST 2.0/mlflow/experiments/permissions/create",
        "DELETE 2.0/mlflow/users/delete",
        "GET 2.0/mlflow/users/current",
        "GET 2.0/mlflow/users/get",
        "GET 2.0/mlflow/users/list",
        "PATCH 2.0/mlflow/users/update-admin",
        "PATCH 2.0/mlflow/users/update-password",
        "POST 2.0/mlflow/users/create",
        "DELETE 2.0/mlflow/users/tokens/revoke",
        "GET 2.0/mlflow/users/tokens/list",
        "POST 2.0/mlflow/users/tokens/create",
        "POST 3.0/mlflow/gateway/secrets/create",
        "GET 3.0/mlflow/gateway/secrets/get",
        "POST 3.0/mlflow/gateway/secrets/update",
        "DELETE 3.0/mlflow/gateway/secrets/delete",
        "GET 3.0/mlflow/gateway/secrets/list",
        "GET 3.0/mlflow/gateway/secrets/config",
        "POST 3.0/mlflow/gateway/model-definitions/create",
        "GET 3.0/mlflow/gateway/model-definitions/get",
        "GET 3.0/mlflow/gateway/model-definitions/list",
        "POST 3.0/mlflow/gateway/model-definitions/update",
        "DELETE 3.0/mlflow/gateway/model-definitions/delete",
        "POST 3.0/mlflow/gateway/endpoints/create",
        "GET 3.0/mlflow/gateway/endpoints/get",
        "POST 3.0/mlflow/gateway/endpoints/update",
        "DELETE 3.0/mlflow/gateway/endpoints/delete",
        "GET 3.0/mlflow/gateway/endpoints/list",
        "POST 3.0/mlflow/gateway/endpoints/models/attach",
        "POST 3.0/mlflow/gateway/endpoints/models/detach",
        "POST 3.0/mlflow/gateway/endpoints/bindings/create",
        "DELETE 3.0/mlflow/gateway/endpoints/bindings/delete",
        "GET 3.0/mlflow/gateway/endpoints/bindings/list",
        "POST 3.0/mlflow/gateway/endpoints/set-tag",
        "DELETE 3.0/mlflow/gateway/endpoints/delete-tag",
        "POST 3.0/mlflow/gateway/budgets/create",
        "GET 3.0/mlflow/gateway/budgets/get",
        "POST 3.0/mlflow/gateway/budgets/update",
        "DELETE 3.0/mlflow/gateway/budgets/delete",
        "GET 3.0/mlflow/gateway/budgets/list",
        "GET 3.0/mlflow/gateway/budgets/windows",
        "GET 3.0/mlflow/gateway/supported-providers",
        "GET 3.0/mlflow/gateway/supported-models",
        "GET 3.0/mlflow/gateway/provider-config",
    ];

    private static readonly string[] Others =
    [
        "GET /health",
        "GET /health/ready",
        "GET /version",
        "POST /v1/logs",
        "POST /v1/metrics",
        "POST /v1/traces",
        "POST /opentelemetry.proto.collector.logs.v1.LogsService/Export",
        "POST /opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        "POST /opentelemetry.proto.collector.trace.v1.TraceService/Export",
        "GET /ajax-api/2.0/mlflow/get-trace-artifact",
        "GET /ajax-api/3.0/mlflow/get-trace-artifact",
        "POST /gateway/{endpoint}/mlflow/invocations",
        "POST /gateway/{endpoint}/invocations",
        "POST /gateway/openai/v1/chat/completions",
        "POST /gateway/openai/v1/completions",
        "POST /gateway/openai/v1/responses",
        "POST /gateway/openai/v1/responses/compact",
        "POST /gateway/openai/v1/embeddings",
        "POST /gateway/openai/v1/moderations",
        "POST /gateway/openai/v1/images/generations",
        "POST /gateway/openai/v1/images/edits",
        "POST /gateway/openai/v1/images/variations",
        "POST /gateway/openai/v1/audio/speech",
        "POST /gateway/openai/v1/audio/transcriptions",
        "POST /gateway/openai/v1/audio/translations",
        "GET /gateway/openai/v1/models",
        "GET /gateway/openai/v1/models/{model}",
        "POST /gateway/mlflow/v1/chat/completions",
        "POST /gateway/mlflow/v1/completions",
        "POST /gateway/mlflow/v1/responses",
        "POST /gateway/mlflow/v1/responses/compact",
        "POST /gateway/mlflow/v1/embeddings",
        "POST /gateway/mlflow/v1/moderations",
        "POST /gateway/mlflow/v1/images/generations",
        "POST /gateway/mlflow/v1/images/edits",
        "POST /gateway/mlflow/v1/images/variations",
        "POST /gateway/mlflow/v1/audio/speech",
        "POST /gateway/mlflow/v1/audio/transcriptions",
        "POST /gateway/mlflow/v1/audio/translations",
        "GET /gateway/mlflow/v1/models",
        "GET /gateway/mlflow/v1/models/{model}",
    ];

    private readonly SomeServer _server;

    public RoutesTests(SomeServer server) => _server = server;

    [Fact]
    public void Routes_OfPrograms_AreThoseOfTheList()
    {
        var expected = Api.SelectMany(route => new[] { route.Replace(" ", " /api/", StringComparison.Ordinal), route.Replace(" ", " /ajax-api/", StringComparison.Ordinal) }).Concat(Others);

        var actual = _server.Server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => IsForPrograms(endpoint.RoutePattern.RawText!))
            .SelectMany(endpoint => endpoint.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods.Select(method => $"{method} {endpoint.RoutePattern.RawText}"));

        Assert.Equal(expected.Order(StringComparer.Ordinal), actual.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("GET", "/api/3.0/mlflow/nope", 404)]
    [InlineData("POST", "/api/4.0/mlflow/traces/search", 404)]
    [InlineData("GET", "/api/2.0/mlflow/logged-models/<script>", 404)]
    [InlineData("GET", "/ajax-api/9.0/x", 404)]
    [InlineData("DELETE", "/api/3.0/mlflow/traces/search", 405)]
    public async Task UnknownRoute_IsNotAnsweredInJson(string method, string path, int status)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var response = await _server.Client.SendAsync(request, Xunit.TestContext.Current.CancellationToken);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("text/html", response.Content.Headers.ContentType?.MediaType);
        var text = await response.Content.ReadAsStringAsync(Xunit.TestContext.Current.CancellationToken);
        Assert.DoesNotContain("RESOURCE_DOES_NOT_EXIST", text, StringComparison.Ordinal);
        Assert.DoesNotContain("<script>", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/health", "OK")]
    [InlineData("/version", "3.11.2")]
    public async Task Meta_AnswersInPlainText(string path, string text) =>
        Assert.Equal(text, await _server.Client.GetStringAsync(new Uri(path, UriKind.Relative), Xunit.TestContext.Current.CancellationToken));

    [Theory]
    [InlineData("evil.example", "/api/3.0/mlflow/server-info", 403)]
    [InlineData("evil.example:5000", "/v1/traces", 403)]
    [InlineData("8.8.8.8", "/api/3.0/mlflow/server-info", 403)]
    [InlineData("evil.example", "/version", 200)]
    [InlineData("localhost:5000", "/api/3.0/mlflow/server-info", 200)]
    [InlineData("[::1]:5000", "/api/3.0/mlflow/server-info", 200)]
    [InlineData("192.168.3.4", "/api/3.0/mlflow/server-info", 200)]
    [InlineData("172.32.3.4", "/api/3.0/mlflow/server-info", 403)]
    public async Task HostHeader_OfAnotherName_IsRefused(string host, string path, int status)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Host = host;
        using var response = await _server.Client.SendAsync(request, Xunit.TestContext.Current.CancellationToken);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
        Assert.Equal("SAMEORIGIN", Assert.Single(response.Headers.GetValues("X-Frame-Options")));
    }

    [Theory]
    [InlineData("https://evil.example", 403)]
    [InlineData("null", 403)]
    [InlineData("http://localhost:3000", 200)]
    public async Task Origin_OfAnotherPage_MayNotWrite(string origin, int status)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/3.0/mlflow/traces/search") { Content = new StringContent("{}", null, "application/json") };
        request.Headers.Add("Origin", origin);
        using var response = await _server.Client.SendAsync(request, Xunit.TestContext.Current.CancellationToken);

        Assert.Equal(status, (int)response.StatusCode);
    }

    [Theory]
    [InlineData("https://evil.example", true)]
    [InlineData("http://localhost:3000", false)]
    public async Task Origin_OfAnotherPage_MayNotOpenAWebSocket(string origin, bool isRefused)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/_blazor?id=none");
        request.Headers.Add("Origin", origin);
        request.Headers.Add("Connection", "Upgrade");
        request.Headers.Add("Upgrade", "websocket");
        using var response = await _server.Client.SendAsync(request, Xunit.TestContext.Current.CancellationToken);

        Assert.Equal(isRefused, (await response.Content.ReadAsStringAsync(Xunit.TestContext.Current.CancellationToken)).StartsWith("Cross-origin request blocked", StringComparison.Ordinal));
    }

    public static bool IsForPrograms(string pattern) =>
        pattern.StartsWith("/api/", StringComparison.Ordinal) || pattern.StartsWith("/ajax-api/", StringComparison.Ordinal) || pattern is "/health" or "/health/ready" or "/version"
        || pattern.StartsWith("/v1/", StringComparison.Ordinal) || pattern.StartsWith("/gateway/", StringComparison.Ordinal) || pattern.StartsWith("/opentelemetry.", StringComparison.Ordinal);
}
