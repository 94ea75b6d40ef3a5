using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using MLflow.Server.Access;
using Xunit;

namespace MLflow.Server.Tests.Access;

/// <summary>Every route, with every verb, as everybody. A route that is not in the table fails: say for whom it is, and try it as somebody who may not.</summary>
public sealed partial class AccessWalkTests : IClassFixture<SomeGuardedServer>
{
    private const string Attachments = "{others}/traces/{trace}/artifacts/attachments/7f0c9a52-5b1a-4f0e-8a38-6a4c0e8f6d11";

    /// <summary>Below /api and /ajax-api.</summary>
    private static readonly Dictionary<string, RouteAccess> Api = new()
    {
        ["GET 2.0/mlflow/experiments/get"] = new("any", "experiment_id={others}"),
        ["GET 2.0/mlflow/experiments/get-by-name"] = new("any", "experiment_name=others"),
        ["GET 2.0/mlflow/experiments/search"] = new("read", "max_results=10", IsAboutExperiment: false),
        ["POST 2.0/mlflow/experiments/search"] = new("read", Body: """{"max_results":10}""", IsAboutExperiment: false),
        ["POST 2.0/mlflow/experiments/create"] = new("write", Body: """{"name":"{new}"}""", IsAboutExperiment: false),
        ["POST 2.0/mlflow/experiments/update"] = new("write", Body: """{"experiment_id":"{others}","new_name":"others"}"""),
        ["POST 2.0/mlflow/experiments/delete"] = new("full", Body: """{"experiment_id":"{others}"}"""),
        ["POST 2.0/mlflow/experiments/restore"] = new("full", Body: """{"experiment_id":"{others}"}"""),
        ["POST 2.0/mlflow/experiments/set-experiment-tag"] = new("write", Body: """{"experiment_id":"{others}","key":"k","value":"v"}"""),
        ["POST 2.0/mlflow/experiments/delete-experiment-tag"] = new("write", Body: """{"experiment_id":"{others}","key":"k"}"""),
        ["POST 2.0/mlflow/experiments/permissions/create"] = new("full", Body: """{"experiment_id":"{others}","username":"edith","permission":"NO_PERMISSIONS"}"""),
        ["GET 2.0/mlflow/experiments/permissions/get"] = new("full", "experiment_id={others}&username=edith"),
        ["PATCH 2.0/mlflow/experiments/permissions/update"] = new("full", Body: """{"experiment_id":"{others}","username":"edith","permission":"NO_PERMISSIONS"}"""),
        ["DELETE 2.0/mlflow/experiments/permissions/delete"] = new("full", Body: """{"experiment_id":"{others}","username":"edith"}"""),
        ["POST 2.0/mlflow/users/create"] = new("administrator", Body: """{"username":"x"}"""),
        ["GET 2.0/mlflow/users/get"] = new("full", "username=maria"),
        ["GET 2.0/mlflow/users/list"] = new("administrator"),
        ["GET 2.0/mlflow/users/current"] = new("any", IsAboutExperiment: false),
        ["PATCH 2.0/mlflow/users/update-password"] = new("full", Body: """{"username":"maria","password":"short"}"""),
        ["PATCH 2.0/mlflow/users/update-admin"] = new("administrator", Body: """{"username":"edith"}"""),
        ["DELETE 2.0/mlflow/users/delete"] = new("administrator", Body: """{"username":"nobody"}"""),
        ["POST 2.0/mlflow/users/tokens/create"] = new("full", Body: """{"name":"t","scope":"read","experiment_ids":["{others}"]}"""),
        ["GET 2.0/mlflow/users/tokens/list"] = new("full", "username=maria"),
        ["DELETE 2.0/mlflow/users/tokens/revoke"] = new("full", Body: """{"token_id":"0123456789ab"}""", IsAboutExperiment: false),
        ["POST 3.0/mlflow/traces"] = new("ingest", Body: """{"trace":{"trace_info":{"trace_id":"{trace}","trace_location":{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"{others}"}},"request_time":"2026-01-01T00:00:00Z","state":"OK"}}}"""),
        ["GET 3.0/mlflow/traces/{traceId}"] = new("read"),
        ["GET 3.0/mlflow/traces/get"] = new("read", "trace_id={trace}"),
        ["GET 3.0/mlflow/traces/batchGet"] = new("read", "trace_ids={trace}"),
        ["POST 3.0/mlflow/traces/batchGetInfos"] = new("read", Body: """{"trace_ids":["{trace}"]}"""),
        ["POST 3.0/mlflow/traces/search"] = new("read", Body: """{"locations":[{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"{others}"}}]}"""),
        ["POST 3.0/mlflow/traces/metrics"] = new("read", Body: """{"experiment_ids":["{others}"],"view_type":"TRACES","metric_name":"trace_count","aggregations":[{"aggregation_type":"COUNT"}]}"""),
        ["POST 3.0/mlflow/traces/calculate-filter-correlation"] = new("read", Body: """{"experiment_ids":["{others}"],"filter_string1":"trace.status = 'OK'","filter_string2":"trace.status = 'OK'"}"""),
        ["POST 2.0/mlflow/traces/link-to-run"] = new("write", Body: """{"trace_ids":["{trace}"],"run_id":"{run}"}"""),
        ["POST 2.0/mlflow/traces/link-prompts"] = new("ingest", Body: """{"trace_id":"{trace}","prompt_versions":[{"name":"p","version":"1"}]}"""),
        ["POST 2.0/mlflow/traces/delete-traces"] = new("write", Body: """{"experiment_id":"{others}","request_ids":["tr-none"]}"""),
        ["POST 3.0/mlflow/traces/delete-traces"] = new("write", Body: """{"experiment_id":"{others}","request_ids":["tr-none"]}"""),
        ["GET 3.0/mlflow/retention/get"] = new("read", "experiment_id={others}"),
        ["POST 3.0/mlflow/retention/set"] = new("write", Body: """{"experiment_id":"{others}"}"""),
        ["POST 3.0/mlflow/retention/run"] = new("write", Body: """{"experiment_ids":["{others}"],"dry_run":true}"""),
        ["POST 3.0/mlflow/traces/delete-by-owner"] = new("write", Body: """{"experiment_ids":["{others}"],"user":"nobody"}"""),
        ["PATCH 2.0/mlflow/traces/{traceId}/tags"] = new("write", Body: """{"key":"k","value":"v"}"""),
        ["PATCH 3.0/mlflow/traces/{traceId}/tags"] = new("write", Body: """{"key":"k","value":"v"}"""),
        ["DELETE 2.0/mlflow/traces/{traceId}/tags"] = new("write", Body: """{"key":"k"}"""),
        ["DELETE 3.0/mlflow/traces/{traceId}/tags"] = new("write", Body: """{"key":"k"}"""),
        ["POST 3.0/mlflow/traces/{traceId}/assessments"] = new("write", Body: """{"assessment":{"assessment_name":"a","feedback":{"value":true},"source":{"source_type":"HUMAN","source_id":"x"}}}"""),
        ["GET 3.0/mlflow/traces/{traceId}/assessments/{assessmentId}"] = new("read"),
        ["PATCH 3.0/mlflow/traces/{traceId}/assessments/{assessmentId}"] = new("write", Body: """{"assessment":{"assessment_name":"b"},"update_mask":"assessment_name"}"""),
        ["DELETE 3.0/mlflow/traces/{traceId}/assessments/{assessmentId}"] = new("write"),
        ["POST 2.0/mlflow/traces"] = new("ingest", Body: """{"experiment_id":"{others}","timestamp_ms":1}"""),
        ["GET 2.0/mlflow/traces"] = new("read", "experiment_ids={others}"),
        ["PATCH 2.0/mlflow/traces/{requestId}"] = new("ingest", Body: """{"timestamp_ms":5,"status":"OK"}"""),
        ["GET 2.0/mlflow/traces/{requestId}/info"] = new("read"),
        ["GET 2.0/mlflow/runs/get"] = new("read", "run_id={run}"),
        ["POST 2.0/mlflow/runs/create"] = new("write", Body: """{"experiment_id":"{others}"}"""),
        ["POST 2.0/mlflow/runs/update"] = new("write", Body: """{"run_id":"{run}","run_name":"n"}"""),
        ["POST 2.0/mlflow/runs/search"] = new("read", Body: """{"experiment_ids":["{others}"]}"""),
        ["POST 2.0/mlflow/runs/delete"] = new("write", Body: """{"run_id":"{run}"}"""),
        ["POST 2.0/mlflow/runs/restore"] = new("write", Body: """{"run_id":"{run}"}"""),
        ["POST 2.0/mlflow/runs/log-metric"] = new("write", Body: """{"run_id":"{run}","key":"k","value":1,"timestamp":1}"""),
        ["POST 2.0/mlflow/runs/log-parameter"] = new("write", Body: """{"run_id":"{run}","key":"k","value":"v"}"""),
        ["POST 2.0/mlflow/runs/log-batch"] = new("write", Body: """{"run_id":"{run}"}"""),
        ["POST 2.0/mlflow/runs/set-tag"] = new("write", Body: """{"run_id":"{run}","key":"k","value":"v"}"""),
        ["POST 2.0/mlflow/runs/delete-tag"] = new("write", Body: """{"run_id":"{run}","key":"k"}"""),
        ["GET 2.0/mlflow-artifacts/artifacts"] = new("read", "path={others}"),
        ["GET 2.0/mlflow-artifacts/artifacts/{**path}"] = new("read", "**path={others}/a.txt"),
        ["PUT 2.0/mlflow-artifacts/artifacts/{**path}"] = new("ingest", "**path=" + Attachments),
        ["DELETE 2.0/mlflow-artifacts/artifacts/{**path}"] = new("write", "**path={others}/a.txt"),
        ["GET 2.0/mlflow-artifacts/artifacts/{experimentId}/traces/{traceId}/artifacts/traces.json"] = new("read", "experimentId={hers}"),
        ["PUT 2.0/mlflow-artifacts/artifacts/{experimentId}/traces/{traceId}/artifacts/traces.json"] = new("ingest", "experimentId={others}", """{"spans":[{"name":"s","context":{"trace_id":"0x{otel}","span_id":"0x0102030405060708"},"start_time":1,"end_time":2,"status_code":"OK"}]}"""),
        ["POST 2.0/mlflow-artifacts/mpu/create/{**path}"] = new("ingest", "**path={others}/traces/{trace}/artifacts/attachments", """{"path":"x","num_parts":1}"""),
        ["POST 2.0/mlflow-artifacts/mpu/complete/{**path}"] = new("ingest", "**path={others}/traces/{trace}/artifacts/attachments", """{"path":"x","upload_id":"1","parts":[]}"""),
        ["POST 2.0/mlflow-artifacts/mpu/abort/{**path}"] = new("ingest", "**path={others}/traces/{trace}/artifacts/attachments", """{"path":"x","upload_id":"1"}"""),
        ["PUT 2.0/mlflow-artifacts/mpu/parts/{uploadId}/{number:int}"] = new("open", "uploadId=none&number:int=1", IsAboutExperiment: false),
        ["POST 3.0/mlflow/gateway/secrets/create"] = new("administrator"),
        ["GET 3.0/mlflow/gateway/secrets/get"] = new("administrator"),
        ["POST 3.0/mlflow/gateway/secrets/update"] = new("administrator"),
        ["DELETE 3.0/mlflow/gateway/secrets/delete"] = new("administrator"),
        ["GET 3.0/mlflow/gateway/secrets/list"] = new("administrator"),
        ["GET 3.0/mlflow/gateway/secrets/config"] = new("administrator"),
        ["POST 3.0/mlflow/gateway/model-definitions/create"] = new("administrator"),
        ["GET 3.0/mlflow/gateway/model-definitions/get"] = new("administrator"),
        ["GET 3.0/mlflow/gateway/model-definitions/list"] = new("administrator"),
        ["POST 3.0/mlflow/gateway/model-definitions/update"] = new("administrator"),
        ["DELETE 3.0/mlflow/gateway/model-definitions/delete"] = new("administrator"),
        ["POST 3.0/mlflow/gateway/endpoints/create"] = new("administrator"),
        ["GET 3.0/mlflow/gateway/endpoints/get"] = new("administrator"),
        ["POST 3.0/mlflow/gateway/endpoints/update"] = new("administrator"),
        ["DELETE 3.0/mlflow/gateway/endpoints/delete"] = new("administrator"),
        ["GET 3.0/mlflow/gateway/endpoints/list"] = new("administrator"),
        ["POST 3.0/mlflow/gateway/endpoints/models/attach"] = new("administrator"),
        ["POST 3.0/mlflow/gateway/endpoints/models/detach"] = new("administrator"),
        ["POST 3.0/mlflow/gateway/endpoints/bindings/create"] = new("administrator"),
        ["DELETE 3.0/mlflow/gateway/endpoints/bindings/delete"] = new("administrator"),
        ["GET 3.0/mlflow/gateway/endpoints/bindings/list"] = new("administrator"),
        ["POST 3.0/mlflow/gateway/endpoints/set-tag"] = new("administrator"),
        ["DELETE 3.0/mlflow/gateway/endpoints/delete-tag"] = new("administrator"),
        ["POST 3.0/mlflow/gateway/budgets/create"] = new("administrator"),
        ["GET 3.0/mlflow/gateway/budgets/get"] = new("administrator"),
        ["POST 3.0/mlflow/gateway/budgets/update"] = new("administrator"),
        ["DELETE 3.0/mlflow/gateway/budgets/delete"] = new("administrator"),
        ["GET 3.0/mlflow/gateway/budgets/list"] = new("administrator"),
        ["GET 3.0/mlflow/gateway/budgets/windows"] = new("administrator"),
        ["GET 3.0/mlflow/gateway/supported-providers"] = new("administrator"),
        ["GET 3.0/mlflow/gateway/supported-models"] = new("administrator"),
        ["GET 3.0/mlflow/gateway/provider-config"] = new("administrator"),
        ["GET 3.0/mlflow/server-info"] = new("any", IsAboutExperiment: false),
    };

    private static readonly Dictionary<string, RouteAccess> Others = new()
    {
        ["GET /health"] = new("open", IsAboutExperiment: false),
        ["GET /version"] = new("open", IsAboutExperiment: false),
        ["GET /health/ready"] = new("open", IsAboutExperiment: false),
        ["GET /openapi/v1.json"] = new("any", IsAboutExperiment: false),
        ["GET /metrics"] = new("read", IsAboutExperiment: false),
        ["POST /mcp/"] = new("read", Body: """{"jsonrpc":"2.0","id":1,"method":"tools/list"}""", IsAboutExperiment: false),
        ["POST /v1/traces"] = new("ingest", Body: "otlp"),
        ["POST /v1/logs"] = new("ingest", Body: "", IsAboutExperiment: false),
        ["POST /v1/metrics"] = new("ingest", Body: "", IsAboutExperiment: false),
        ["POST /opentelemetry.proto.collector.trace.v1.TraceService/Export"] = new("ingest", IsAboutExperiment: false),
        ["POST /opentelemetry.proto.collector.logs.v1.LogsService/Export"] = new("ingest", IsAboutExperiment: false),
        ["POST /opentelemetry.proto.collector.metrics.v1.MetricsService/Export"] = new("ingest", IsAboutExperiment: false),
        ["GET /ajax-api/2.0/mlflow/get-trace-artifact"] = new("read", "request_id={trace}"),
        ["GET /ajax-api/3.0/mlflow/get-trace-artifact"] = new("read", "request_id={trace}"),
        ["POST /gateway/{endpoint}/mlflow/invocations"] = new("write", IsAboutExperiment: false),
        ["POST /gateway/{endpoint}/invocations"] = new("write", IsAboutExperiment: false),
        ["POST /gateway/openai/v1/chat/completions"] = new("write", IsAboutExperiment: false),
        ["POST /gateway/openai/v1/completions"] = new("write", IsAboutExperiment: false),
        ["POST /gateway/openai/v1/responses"] = new("write", IsAboutExperiment: false),
        ["POST /gateway/openai/v1/responses/compact"] = new("write", IsAboutExperiment: false),
        ["POST /gateway/openai/v1/embeddings"] = new("write", IsAboutExperiment: false),
        ["POST /gateway/openai/v1/moderations"] = new("write", IsAboutExperiment: false),
        ["POST /gateway/openai/v1/images/generations"] = new("write", IsAboutExperiment: false),
        ["POST /gateway/openai/v1/images/edits"] = new("write", IsAboutExperiment: false),
        ["POST /gateway/openai/v1/images/variations"] = new("write", IsAboutExperiment: false),
        ["POST /gateway/openai/v1/audio/speech"] = new("write", IsAboutExperiment: false),
        ["POST /gateway/openai/v1/audio/transcriptions"] = new("write", IsAboutExperiment: false),
        ["POST /gateway/openai/v1/audio/translations"] = new("write", IsAboutExperiment: false),
        ["GET /gateway/openai/v1/models"] = new("write", IsAboutExperiment: false),
        ["GET /gateway/openai/v1/models/{model}"] = new("write", IsAboutExperiment: false),
        ["POST /gateway/mlflow/v1/chat/completions"] = new("write", IsAboutExperiment: false),
        ["POST /gateway/mlflow/v1/completions"] = new("write", IsAboutExperiment: false),
        ["POST /gateway/mlflow/v1/responses"] = new("write", IsAboutExperiment: false),
        ["POST /gateway/mlflow/v1/responses/compact"] = new("write", IsAboutExperiment: false),
        ["POST /gateway/mlflow/v1/embeddings"] = new("write", IsAboutExperiment: false),
        ["POST /gateway/mlflow/v1/moderations"] = new("write", IsAboutExperiment: false),
        ["POST /gateway/mlflow/v1/images/generations"] = new("write", IsAboutExperiment: false),
        ["POST /gateway/mlflow/v1/images/edits"] = new("write", IsAboutExperiment: false),
        ["POST /gateway/mlflow/v1/images/variations"] = new("write", IsAboutExperiment: false),
        ["POST /gateway/mlflow/v1/audio/speech"] = new("write", IsAboutExperiment: false),
        ["POST /gateway/mlflow/v1/audio/transcriptions"] = new("write", IsAboutExperiment: false),
        ["POST /gateway/mlflow/v1/audio/translations"] = new("write", IsAboutExperiment: false),
        ["GET /gateway/mlflow/v1/models"] = new("write", IsAboutExperiment: false),
        ["GET /gateway/mlflow/v1/models/{model}"] = new("write", IsAboutExperiment: false),
        ["GET /assets/{name}"] = new("open", "name=app.css", IsAboutExperiment: false),
        ["HEAD /assets/{name}"] = new("open", "name=app.css", IsAboutExperiment: false),
        ["GET /traces/{traceId}/share.html"] = new("read"),
        ["GET /language/{to}"] = new("open", "to=ja", IsAboutExperiment: false),
        ["GET /experiments/{experimentId:long}/export"] = new("read", "experimentId:long={others}"),
        ["POST /experiments/{experimentId:long}/export"] = new("read", "experimentId:long={others}"),
        ["GET /places"] = new("read", "q=x", IsAboutExperiment: false),
        ["GET /login"] = new("open", IsAboutExperiment: false),
        ["POST /login"] = new("open", IsAboutExperiment: false),
        ["GET /login/provider"] = new("open", IsAboutExperiment: false),
        ["GET /setup"] = new("open", IsAboutExperiment: false),
        ["POST /setup"] = new("open", IsAboutExperiment: false),
        ["POST /logout"] = new("any", IsAboutExperiment: false),
        ["GET /account"] = new("full", IsAboutExperiment: false),
        ["POST /account/tokens"] = new("full", IsAboutExperiment: false),
        ["POST /account/tokens/revoke"] = new("full", IsAboutExperiment: false),
    };

    /// <summary>Pages and what they are run by; a page says for itself what somebody may not see.</summary>
    private static readonly RouteAccess Page = new("read", IsAboutExperiment: false);

    private static readonly string[] Verbs = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

    private readonly SomeGuardedServer _server;

    public AccessWalkTests(SomeGuardedServer server) => _server = server;

    [Fact]
    public void Routes_AreAllInTheTable() => Assert.All(Routes(), route => Assert.True(Find(route) is not null, $"{route} is in no table: say for whom it is."));

    [Fact]
    public void Table_HasNothingElse()
    {
        var routes = Routes().ToHashSet();
        Assert.All(Api.Keys.Select(key => key.Replace(" ", " /api/", StringComparison.Ordinal)).Concat(Others.Keys), route => Assert.Contains(route, routes));
    }

    [Fact]
    public void Routes_SayForWhomTheyAre() => Assert.All(
        Endpoints(),
        endpoint => Assert.True(
            endpoint.Metadata.GetMetadata<Microsoft.AspNetCore.Authorization.IAllowAnonymous>() is not null || endpoint.Metadata.GetMetadata<Microsoft.AspNetCore.Authorization.IAuthorizeData>() is { Policy: not null },
            endpoint.RoutePattern.RawText));

    [Theory]
    [InlineData("", "anonymous")]
    [InlineData("/prefix", "anonymous")]
    [InlineData("", "ingest")]
    [InlineData("", "read")]
    [InlineData("", "write")]
    [InlineData("/prefix", "read")]
    [InlineData("", "admin")]
    [InlineData("", "other experiment")]
    [InlineData("/prefix", "other experiment")]
    public async Task Routes_AsEverybody_LetInThoseWhoMay(string prefix, string who)
    {
        var credentials = await CredentialsAsync(who);
        var wrong = new List<string>();
        foreach (var route in Routes())
        {
            var access = Find(route)!;
            var expected = Expected(access, who);
            using var response = await _server.SendAsync(Method(route), prefix + Address(route, access), Content(access, route), credentials, Headers(access));
            var actual = Decision(response);
            if (actual != expected)
            {
                wrong.Add($"{route}: {(int)response.StatusCode} {response.Headers.Location}, expected {expected}. {await response.Content.ReadAsStringAsync(Token)}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/prefix")]
    public async Task OtherVerbs_AsStranger_TellNothing(string prefix)
    {
        var routes = Routes().ToHashSet();
        var wrong = new List<string>();
        foreach (var (path, access) in routes.Where(route => Find(route)!.Policy != "open").Select(route => (route[(route.IndexOf(' ', StringComparison.Ordinal) + 1)..], Find(route)!)).DistinctBy(pair => pair.Item1))
        {
            foreach (var verb in Verbs.Where(verb => !routes.Contains($"{verb} {path}")))
            {
                var status = await _server.StatusAsync(new HttpMethod(verb), prefix + Address($"{verb} {path}", access));
                if (status is not (HttpStatusCode.Unauthorized or HttpStatusCode.Redirect))
                {
                    wrong.Add($"{verb} {path}: {(int)status}");
                }
            }
        }

        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
    }

    [Theory]
    [InlineData("/api/3.0/mlflow/gateway/endpoints/list")]
    [InlineData("/ajax-api/2.0/mlflow/gateway-proxy")]
    [InlineData("/graphql")]
    [InlineData("/get-artifact?path=../../etc/passwd")]
    [InlineData("/API/2.0/MLFLOW/experiments/search")]
    [InlineData("/prefix/prefix/api/2.0/mlflow/experiments/search")]
    [InlineData("/api/2.0/mlflow/experiments/search/")]
    [InlineData("/api/2.0/mlflow/experiments/%73earch")]
    [InlineData("/health/../api/2.0/mlflow/experiments/search")]
    [InlineData("/version%2f..%2fapi/2.0/mlflow/experiments/search")]
    [InlineData("/nothing")]
    public async Task OtherAddresses_AsStranger_TellNothing(string path) =>
        Assert.Contains(await _server.StatusAsync(HttpMethod.Get, path), (HttpStatusCode[])[HttpStatusCode.Unauthorized, HttpStatusCode.Redirect]);

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    // The walk must not change what it walks on: whoever is let in is answered by what a request without meaning is.
    private static string Expected(RouteAccess access, string who) => (access.Policy, who) switch
    {
        ("open", _) => "in",
        (_, "anonymous") => "out",
        (_, "admin") => "in",
        (_, "other experiment") => access.IsAboutExperiment || access.Policy == "administrator" ? "forbidden" : "in",
        ("any", _) => "in",
        ("ingest", "ingest" or "write") => "in",
        ("read", "read" or "write") => "in",
        ("write", "write") => "in",
        _ => "forbidden",
    };

    private static string Decision(HttpResponseMessage response) => response.StatusCode switch
    {
        HttpStatusCode.Unauthorized => "out",
        HttpStatusCode.Redirect when response.Headers.Location!.OriginalString.Contains("/login?return=", StringComparison.Ordinal) => "out",
        HttpStatusCode.Forbidden => "forbidden",
        _ => "in",
    };

    private async Task<AuthenticationHeaderValue?> CredentialsAsync(string who) => who switch
    {
        "anonymous" => null,
        "admin" => await _server.TokenAsync("root", TokenScope.Admin),
        "other experiment" => SomeGuardedServer.Basic("edith"),
        _ => await _server.TokenAsync("maria", Enum.Parse<TokenScope>(who, ignoreCase: true)),
    };

    private (string Name, string Value)[] Headers(RouteAccess access) => access.Body == "otlp" ? [("x-mlflow-experiment-id", Text("{others}"))] : [];

    private object? Content(RouteAccess access, string route) =>
        route.StartsWith("GET", StringComparison.Ordinal) || route.StartsWith("HEAD", StringComparison.Ordinal) ? null
        : access.Body == "otlp" ? SomeGuardedServer.Export(SomeId())
        : new StringContent(Text(access.Body), Encoding.UTF8, "application/json");

    private string Address(string route, RouteAccess access)
    {
        var path = route[(route.IndexOf(' ', StringComparison.Ordinal) + 1)..];
        var query = new List<string>();
        foreach (var pair in Text(access.Query).Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var parameter = "{" + pair.Split('=')[0] + "}";
            if (path.Contains(parameter, StringComparison.Ordinal))
            {
                path = path.Replace(parameter, pair[(pair.IndexOf('=', StringComparison.Ordinal) + 1)..], StringComparison.Ordinal);
            }
            else
            {
                query.Add(pair);
            }
        }

        path = path.Replace("{traceId}", _server.OthersTrace, StringComparison.OrdinalIgnoreCase).Replace("{requestId}", _server.OthersTrace, StringComparison.Ordinal)
            .Replace("{assessmentId}", "a-none", StringComparison.Ordinal).Replace("{ExperimentId:long}", Text("{others}"), StringComparison.Ordinal);
        path = Parameter().Replace(path, "x");
        return query.Count == 0 ? path : $"{path}?{string.Join('&', query)}";
    }

    private string Text(string text) => text
        .Replace("{others}", _server.Others.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal)
        .Replace("{hers}", _server.Hers.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal)
        .Replace("{trace}", _server.OthersTrace, StringComparison.Ordinal)
        .Replace("{otel}", _server.OthersTrace.Replace("tr-", "", StringComparison.Ordinal), StringComparison.Ordinal)
        .Replace("{run}", _server.OthersRun, StringComparison.Ordinal)
        .Replace("{new}", Guid.NewGuid().ToString("n"), StringComparison.Ordinal);

    private static string SomeId() => Guid.NewGuid().ToString("n");

    private static HttpMethod Method(string route) => new(route.Split(' ')[0]);

    private static RouteAccess? Find(string route) =>
        Others.TryGetValue(route, out var other) ? other
        : Api.TryGetValue(route.Replace(" /api/", " ", StringComparison.Ordinal).Replace(" /ajax-api/", " ", StringComparison.Ordinal), out var access) ? access
        : IsPage(route) ? Page
        : null;

    // Of the pages, only that they are pages is looked at: each is one of these.
    private static bool IsPage(string route) => route.Split(' ')[1] is "/" or "/experiments/{ExperimentId:long}" or "/experiments/{ExperimentId:long}/traces" or "/experiments/{ExperimentId:long}/overview" or "/experiments/{ExperimentId:long}/sessions" or "/experiments/{ExperimentId:long}/session" or "/traces/{TraceId}"
        or "/traces/{TraceId}/share" or "/experiments/{ExperimentId:long}/review" or "/compare"
        or "/settings/gateway" or "/settings/gateway/keys" or "/settings/gateway/budgets" or "/settings/gateway/usage" or "/playground"
        or "/settings" or "/settings/prices" or "/settings/users" or "/settings/redaction" or "/settings/about" or "/settings/retention"
        || route.Split(' ')[1].StartsWith("/_blazor", StringComparison.Ordinal) || route.Split(' ')[1].StartsWith("/_framework/", StringComparison.Ordinal);

    private IEnumerable<RouteEndpoint> Endpoints() => _server.Server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>();

    private List<string> Routes() => [.. Endpoints()
        .SelectMany(endpoint => (endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]).Select(method => $"{method} /{endpoint.RoutePattern.RawText!.TrimStart('/')}"))
        .Distinct().Order(StringComparer.Ordinal)];

    [GeneratedRegex(@"\{[^}]+\}")]
    private static partial Regex Parameter();
}
