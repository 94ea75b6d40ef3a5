using System.Globalization;
using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using MLflow.Server.Access;
using MLflow.Server.Gateway;
using MLflow.Server.Storage;
using MLflow.Server.Tests.Operations;
using MLflow.Server.Traces;
using Xunit;

namespace MLflow.Server.Tests.Gateway;

/// <summary>Which model is asked, how often, and for how much.</summary>
public sealed class GatewayRoutingTests
{
    private const string Good = """{"choices":[{"message":{"role":"assistant","content":"of the second"}}]}""";
    private const string Stream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("500")]
    [InlineData("429")]
    [InlineData("401")]
    [InlineData("reset")]
    [InlineData("reset after the headers of a stream")]
    [InlineData("error as first event")]
    [InlineData("redirect")]
    public async Task Model_ThatFailsBeforeTheFirstByte_IsReplacedUnseen(string kind)
    {
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddWithFallbackAsync();
        gateway.Upstream.Answer = async request =>
        {
            switch (kind)
            {
                case "reset":
                    request.Reset();
                    break;
                case "reset after the headers of a stream":
                    await request.SendAsync(Stream);
                    request.Reset();
                    break;
                case "error as first event":
                    await request.SendAsync(Stream + "data: {\"error\":{\"message\":\"overloaded\"}}\n\n");
                    break;
                case "redirect":
                    await request.SendAsync(SomeUpstream.With("302 Found", "", headers: "Location: http://169.254.169.254/\r\n"));
                    break;
                default:
                    await request.SendAsync(SomeUpstream.With($"{kind} X", "{}"));
                    break;
            }
        };
        gateway.Second.Answer = request => request.SendAsync(SomeUpstream.Ok(Good));

        var (status, body, response) = await gateway.SendAsync(SomeGateway.Request());

        Assert.Equal((200, Good), (status, body));
        Assert.Equal("""{"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}]}""", Assert.Single(gateway.Second.Requests).Text);
        var (info, span) = await gateway.TraceAsync(response);
        Assert.Equal((TraceState.Ok, 2), (info.State, span.Events.Count(e => e.Name == "mlflow.openai.attempt")));
        Assert.Equal("\"gpt-4o\"", span["mlflow.llm.model"]);
    }

    [Theory]
    [InlineData("400 Bad Request", 1)]
    [InlineData("422 Unprocessable Entity", 1)]
    [InlineData("503 Service Unavailable", 2)]
    public async Task Models_ThatAllFail_AnswerAsTheLast(string line, int asked)
    {
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddWithFallbackAsync();
        gateway.Upstream.Answer = request => request.SendAsync(SomeUpstream.With(line, """{"error":{"message":"x"}}"""));
        gateway.Second.Answer = gateway.Upstream.Answer;

        var (status, body, _) = await gateway.SendAsync(SomeGateway.Request());

        Assert.Equal((int.Parse(line[..3], CultureInfo.InvariantCulture), """{"error":{"message":"x"}}"""), (status, body));
        Assert.Equal(asked, gateway.Upstream.Requests.Count + gateway.Second.Requests.Count);
    }

    [Fact]
    public async Task Stream_ThatBreaksAfterItsFirstByte_IsNotBegunAgain()
    {
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddWithFallbackAsync();
        gateway.Upstream.Answer = async request =>
        {
            await request.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: {}\n\r\n");
        };

        using var response = await gateway.Client.SendAsync(SomeGateway.Request(), HttpCompletionOption.ResponseHeadersRead, Token);
        var text = "";
        var exception = await Record.ExceptionAsync(async () => text = await response.Content.ReadAsStringAsync(Token));

        Assert.Empty(gateway.Second.Requests);
        Assert.True(exception is HttpRequestException, text);
        Assert.Equal("\"connection_lost\"", (await gateway.TraceAsync(response)).Span["mlflow.stream.end"]);
    }

    [Fact]
    public async Task Model_ThatFailsForAMoment_IsAskedAgain()
    {
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddAsync(more: ""","retries":2""");
        var tries = 0;
        gateway.Upstream.Answer = request => request.SendAsync(Interlocked.Increment(ref tries) < 3 ? SomeUpstream.With("503 X", "{}") : SomeUpstream.Ok(Good));

        Assert.Equal((200, Good), await BodyAsync(gateway));
        Assert.Equal(3, gateway.Upstream.Requests.Count);
        Assert.Single(gateway.Upstream.Requests.Select(request => request.Text).Distinct());
    }

    [Fact]
    public async Task Weights_ShareCallsOut()
    {
        await using var gateway = await SomeGateway.StartAsync();
        var first = await gateway.ModelAsync("a", "m", gateway.Upstream.Base);
        var second = await gateway.ModelAsync("b", "m", gateway.Second.Base);
        await gateway.EndpointAsync("both", $$"""[{"model_definition_id":"{{first}}","weight":50},{"model_definition_id":"{{second}}","weight":50}]""");
        await gateway.EndpointAsync("one", $$"""[{"model_definition_id":"{{first}}","weight":0},{"model_definition_id":"{{second}}","weight":1}]""");

        // That one of two is never chosen in 100 calls is less likely than that the machine fails.
        for (var i = 0; i < 100; i++)
        {
            await gateway.SendAsync(SomeGateway.Request("""{"model":"both","messages":[]}"""));
        }

        var (ofFirst, ofSecond) = (gateway.Upstream.Requests.Count, gateway.Second.Requests.Count);
        Assert.True(ofFirst > 0 && ofSecond > 0, $"{ofFirst} and {ofSecond}");
        for (var i = 0; i < 10; i++)
        {
            await gateway.SendAsync(SomeGateway.Request("""{"model":"one","messages":[]}"""));
        }

        Assert.Equal((ofFirst, ofSecond + 10), (gateway.Upstream.Requests.Count, gateway.Second.Requests.Count));
    }

    [Fact]
    public async Task Calls_MoreThanTheLimit_AreTurnedAwayUntilThePeriodIsOver()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));
        await using var gateway = await SomeGateway.StartAsync(options => options.TimeProvider = time);
        await gateway.AddAsync(more: ""","rate_limits":[{"calls":2,"key":"user","renewal_period":"minute"}]""");

        Assert.Equal(200, (await BodyAsync(gateway)).Status);
        Assert.Equal(200, (await BodyAsync(gateway)).Status);
        var (status, body, response) = await gateway.SendAsync(SomeGateway.Request());
        Assert.Equal((429, "rate_limit_exceeded"), (status, JsonDocument.Parse(body).RootElement.GetProperty("error").GetProperty("code").GetString()));
        Assert.Equal(60, response.Headers.RetryAfter!.Delta!.Value.TotalSeconds);
        Assert.Equal(2, gateway.Upstream.Requests.Count);
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(200, (await BodyAsync(gateway)).Status);
    }

    [Fact]
    public async Task Limits_OfUsersAndTokens_AreEachTheirOwn()
    {
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddAsync("by-user", more: ""","rate_limits":[{"calls":1,"key":"user","renewal_period":"day"}]""");
        await gateway.AddAsync("by-token", more: ""","rate_limits":[{"calls":1,"key":"token","renewal_period":"day"}]""");
        await gateway.AddAsync("for-all", more: ""","rate_limits":[{"calls":1,"key":"endpoint","renewal_period":"day"}]""");
        await gateway.UserAsync("root", Permission.Manage, TokenScope.Admin, isAdmin: true);
        var ada = await gateway.UserAsync("ada", Permission.Edit, TokenScope.Write);
        var bob = await gateway.UserAsync("bob", Permission.Edit, TokenScope.Write);

        foreach (var (endpoint, expected) in ((string, int[])[])[("by-user", [200, 429, 200]), ("by-token", [200, 429, 200]), ("for-all", [200, 429, 429])])
        {
            var statuses = new List<int>();
            foreach (var who in (System.Net.Http.Headers.AuthenticationHeaderValue[])[ada, ada, bob])
            {
                using var request = SomeGateway.Request($$"""{"model":"{{endpoint}}","messages":[]}""");
                request.Headers.Authorization = who;
                statuses.Add((await gateway.SendAsync(request)).Status);
            }

            Assert.Equal(expected, statuses);
        }
    }

    [Fact]
    public async Task Limit_OfAModel_LetsTheNextOneAnswer()
    {
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddWithFallbackAsync(more: ""","rate_limits":[{"calls":1,"key":"model","renewal_period":"day"}]""");

        var statuses = new List<int>();
        for (var i = 0; i < 3; i++)
        {
            statuses.Add((await BodyAsync(gateway)).Status);
        }

        Assert.Equal([200, 200, 429], statuses);
        Assert.Equal((1, 1), (gateway.Upstream.Requests.Count, gateway.Second.Requests.Count));
        var (_, body, response) = await gateway.SendAsync(SomeGateway.Request());
        Assert.Contains("rate_limit_exceeded", body, StringComparison.Ordinal);
        Assert.Contains("1 calls per day for each model", body, StringComparison.Ordinal);
        Assert.True(response.Headers.RetryAfter!.Delta > TimeSpan.Zero);
    }

    [Theory]
    [InlineData("endpoint", "hour", "2030-01-01T13:00:00Z")]
    [InlineData("user", "day", "2030-01-02T00:00:00Z")]
    public async Task Limit_ByHourOrDay_CountsTheCallsOfAllServers(string key, string period, string end)
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2030, 1, 1, 12, 30, 0, TimeSpan.Zero));
        await using var gateway = await SomeGateway.StartAsync(options => options.TimeProvider = time);
        var id = (await gateway.AddAsync(more: $$$""","rate_limits":[{"calls":5,"key":"{{{key}}}","renewal_period":"{{{period}}}"}]""")).GetProperty("endpoint_id").GetString()!;
        var hour = new DateTimeOffset(2030, 1, 1, 12, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();

        // Three by another server, and some of the day before and of somebody else.
        var store = gateway.Services.GetRequiredService<IGatewayStore>();
        await store.AddUsageAsync(new GatewayUsage(hour, id, "", 3, 0, 0, 0, 0), Token);
        await store.AddUsageAsync(new GatewayUsage(hour - (24 * 60 * 60 * 1000), id, "", 100, 0, 0, 0, 0), Token);
        await store.AddUsageAsync(new GatewayUsage(hour, "e-other", "", 100, 0, 0, 0, 0), Token);
        var statuses = new List<int>();
        for (var i = 0; i < 3; i++)
        {
            var (status, _, response) = await gateway.SendAsync(SomeGateway.Request());
            statuses.Add(status);
            if (status == 200)
            {
                // Written down as well now, and not counted a second time.
                await gateway.TraceAsync(response);
                time.Advance(BudgetBook.Freshness);
            }
        }

        Assert.Equal([200, 200, 429], statuses);
        time.Advance(DateTimeOffset.Parse(end, CultureInfo.InvariantCulture) - time.GetUtcNow());
        Assert.Equal(200, (await BodyAsync(gateway)).Status);
    }

    [Fact]
    public async Task Budget_ThatAlerts_IsToldOnceAndCallsGoOn()
    {
        using var log = new KeptLog();
        await using var gateway = await SomeGateway.StartAsync(options => options.ConfigureLogging = logging => logging.AddProvider(log));
        await gateway.AddAsync();
        gateway.Upstream.Answer = request => request.SendAsync(SomeUpstream.Ok("""{"model":"gpt-4o-mini","choices":[],"usage":{"prompt_tokens":10000000,"completion_tokens":0,"total_tokens":10000000}}"""));
        await gateway.AdminAsync("budgets/create", """{"budget_amount":1,"duration":{"unit":"DAYS","value":1},"target_scope":"USER","budget_action":"ALERT"}""");

        Assert.Equal(200, (await BodyAsync(gateway)).Status);
        string metrics;
        do
        {
            metrics = await gateway.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative), Token);
        }
        while (!metrics.Contains("mlflow_server_gateway_budgets_used_up_total", StringComparison.Ordinal));

        var window = JsonDocument.Parse((await gateway.Server.SendAsync("GET", "/api/3.0/mlflow/gateway/budgets/windows")).Body).RootElement.GetProperty("windows")[0];
        Assert.Matches("""mlflow_server_gateway_budgets_used_up_total\{.*action="alert".*\} 1""", metrics);
        Assert.Equal((1.5, true), (window.GetProperty("current_spend").GetDouble(), window.GetProperty("exceeded").GetBoolean()));
        Assert.Equal(200, (await BodyAsync(gateway)).Status);

        // What waits is written down.
        await gateway.Server.DisposeServerAsync();
        Assert.Contains("of 1 US dollars (USER: ) is used up until", Assert.Single(log.Entries, entry => entry.StartsWith("Warning MLflow.Server.Gateway.BudgetBook", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Budget_UsedUp_TurnsCallsAwayUntilItsTimeIsOver()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2030, 1, 15, 12, 0, 0, TimeSpan.Zero));
        await using var gateway = await SomeGateway.StartAsync(options => options.TimeProvider = time);
        await gateway.AddAsync();
        gateway.Upstream.Answer = request => request.SendAsync(SomeUpstream.Ok("""{"model":"gpt-4o-mini","choices":[],"usage":{"prompt_tokens":10000000,"completion_tokens":0,"total_tokens":10000000}}"""));
        await gateway.AdminAsync("budgets/create", """{"budget_unit":"USD","budget_amount":1,"duration":{"unit":"DAYS","value":1},"target_scope":"GLOBAL","budget_action":"REJECT"}""");

        var (_, _, first) = await gateway.SendAsync(SomeGateway.Request());
        await gateway.TraceAsync(first);
        JsonElement window;
        do
        {
            window = JsonDocument.Parse((await gateway.Server.SendAsync("GET", "/api/3.0/mlflow/gateway/budgets/windows")).Body).RootElement.GetProperty("windows")[0];
        }
        while (window.GetProperty("current_spend").GetDouble() == 0);
        time.Advance(BudgetBook.Freshness);
        var (status, body, response) = await gateway.SendAsync(SomeGateway.Request());

        Assert.Equal(1.5, window.GetProperty("current_spend").GetDouble());
        Assert.Equal(429, status);
        Assert.Contains("Budget limit exceeded. Limit: $1.00 USD per 1 DAYS. Budget resets at 2030-01-16T00:00:00Z. Request rejected.", body, StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromHours(12).TotalSeconds, response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 5d);
        time.Advance(TimeSpan.FromHours(12));
        Assert.Equal(200, (await BodyAsync(gateway)).Status);
    }

    [Theory]
    [InlineData("HOURS", 6, "2030-05-15T13:30:00Z", "2030-05-15T12:00:00Z", "2030-05-15T18:00:00Z")]
    [InlineData("DAYS", 1, "2030-05-15T13:30:00Z", "2030-05-15T00:00:00Z", "2030-05-16T00:00:00Z")]
    [InlineData("WEEKS", 1, "2030-05-15T13:30:00Z", "2030-05-12T00:00:00Z", "2030-05-19T00:00:00Z")]
    [InlineData("MONTHS", 1, "2030-12-31T23:59:59Z", "2030-12-01T00:00:00Z", "2031-01-01T00:00:00Z")]
    [InlineData("MONTHS", 3, "2030-05-15T13:30:00Z", "2030-04-01T00:00:00Z", "2030-07-01T00:00:00Z")]
    public void Budget_HasTheTimeOfTheCalendar(string unit, int value, string now, string start, string end)
    {
        var budget = new GatewayBudget { Amount = 1, DurationUnit = unit, DurationValue = value, Scope = "GLOBAL", Rejects = true };

        Assert.Equal((At(start), At(end)), budget.Window(At(now)));

        static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task Guard_ThatSaysNoOrFails_KeepsTheCallBack()
    {
        await using var gateway = await SomeGateway.StartAsync(options => options.GatewayGuards = [new Guard()]);
        await gateway.AddAsync();

        var (status, body, _) = await gateway.SendAsync(SomeGateway.Request("""{"model":"chat","messages":[{"content":"forbidden"}]}"""));
        Assert.Equal((400, true), (status, body.Contains("not about that", StringComparison.Ordinal)));
        var (failed, error, _) = await gateway.SendAsync(SomeGateway.Request("""{"model":"chat","messages":[{"content":"fail"}]}"""));
        Assert.Equal((500, false), (failed, error.Contains("inner words", StringComparison.Ordinal)));
        Assert.Empty(gateway.Upstream.Requests);
        Assert.Equal(200, (await BodyAsync(gateway)).Status);
    }

    [Fact]
    public async Task Endpoint_IsForThoseWhoMaySendTracesToItsExperiment()
    {
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddAsync();
        await gateway.UserAsync("root", Permission.Manage, TokenScope.Admin, isAdmin: true);
        var statuses = new List<int>();
        foreach (var (name, permission, scope) in ((string, Permission, TokenScope)[])[("a", Permission.Edit, TokenScope.Write), ("b", Permission.Read, TokenScope.Write), ("c", Permission.Edit, TokenScope.Ingest), ("d", Permission.Edit, TokenScope.Read)])
        {
            using var request = SomeGateway.Request();
            request.Headers.Authorization = await gateway.UserAsync(name, permission, scope);
            statuses.Add((await gateway.SendAsync(request)).Status);
        }

        statuses.Add((await gateway.SendAsync(SomeGateway.Request())).Status);
        Assert.Equal([200, 403, 403, 403, 401], statuses);
        Assert.Single(gateway.Upstream.Requests);
    }

    [Fact]
    public async Task Secret_Deleted_LeavesEndpointsWithoutAKey()
    {
        await using var gateway = await SomeGateway.StartAsync();
        var endpoint = await gateway.AddAsync();
        var secretId = endpoint.GetProperty("model_mappings")[0].GetProperty("model_definition").GetProperty("secret_id").GetString();
        await gateway.Server.SendAsync("DELETE", "/api/3.0/mlflow/gateway/secrets/delete", new StringContent($$"""{"secret_id":"{{secretId}}"}""", null, "application/json"));

        var (status, body, _) = await gateway.SendAsync(SomeGateway.Request());

        Assert.Equal((503, true), (status, body.Contains("no_secret", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("169.254.169.254")]
    [InlineData("10.0.0.1")]
    [InlineData("100.64.0.1")]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    [InlineData("::ffff:169.254.169.254")]
    [InlineData("64:ff9b::a9fe:a9fe")]
    [InlineData("2002:7f00:1::")]
    [InlineData("fe80::1%1")]
    [InlineData("fd00::1")]
    public async Task Name_ThatLeadsInside_IsNotConnectedTo(string address)
    {
        var isAsked = 0;
        await using var gateway = await SomeGateway.StartAsync(options => options.GatewayResolver = (_, _) =>
        {
            isAsked++;
            return Task.FromResult<IPAddress[]>([IPAddress.Parse(address)]);
        });
        var id = await gateway.ModelAsync("chat", "m", $"https://rebound.example:{gateway.Upstream.Port}/v1");
        await gateway.EndpointAsync("chat", $$"""[{"model_definition_id":"{{id}}"}]""");

        var (status, body, _) = await gateway.SendAsync(SomeGateway.Request());

        Assert.Equal((502, true), (status, body.Contains("upstream_refused", StringComparison.Ordinal)));
        Assert.Equal((1, 0), (isAsked, gateway.Upstream.Requests.Count));
        Assert.DoesNotContain(address, body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Proxy_OfTheOperator_IsAskedForNamedHostsOnly()
    {
        await using var proxy = new SomeUpstream { Answer = request => request.SendAsync(SomeUpstream.With("502 Bad Gateway", "")) };
        await using var gateway = await SomeGateway.StartAsync(options =>
        {
            options.GatewayOutboundProxy = new WebProxy("127.0.0.1", proxy.Port);
            options.GatewayAllowedHosts = [.. options.GatewayAllowedHosts, "llm.example"];
            options.GatewayResolver = (host, _) => throw new InvalidOperationException($"{host} is the proxy's to look up.");
        });
        await gateway.AddAsync("near");
        var id = await gateway.ModelAsync("far", "m", "https://llm.example/v1");
        await gateway.EndpointAsync("far", $$"""[{"model_definition_id":"{{id}}"}]""");
        id = await gateway.ModelAsync("openai", "m", "");
        await gateway.EndpointAsync("openai", $$"""[{"model_definition_id":"{{id}}"}]""");

        // Without TLS a proxy would see the key.
        Assert.Equal(200, (await gateway.SendAsync(SomeGateway.Request("""{"model":"near","messages":[]}"""))).Status);
        Assert.Empty(proxy.Requests);
        Assert.Equal(502, (await gateway.SendAsync(SomeGateway.Request("""{"model":"far","messages":[]}"""))).Status);
        Assert.Equal(502, (await gateway.SendAsync(SomeGateway.Request("""{"model":"openai","messages":[]}"""))).Status);
        Assert.Equal(["llm.example:443", "api.openai.com:443"], proxy.Requests.Select(request => request.Path));
        Assert.All(proxy.Requests, request => Assert.DoesNotContain(SomeGateway.Key, request.Head, StringComparison.Ordinal));

        var (status, body, _) = await gateway.Server.PostJsonAsync(
            "/api/3.0/mlflow/gateway/secrets/create", """{"secret_name":"x","secret_value":{"api_key":"sk-0123456789abcdef"},"auth_config":{"api_base":"https://rebound.example/v1"}}""");
        Assert.Equal(400, status);
        Assert.Contains("MLFLOW_GATEWAY_ALLOWED_HOSTS=rebound.example", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Proxy_ThatRefuses_IsNotToldOfWithItsPassword()
    {
        using var log = new KeptLog();
        await using var proxy = new SomeUpstream { Answer = request => request.SendAsync(SomeUpstream.With("407 Proxy Authentication Required", "")) };
        await using var gateway = await SomeGateway.StartAsync(options =>
        {
            options.GatewayOutboundProxy = new WebProxy(new Uri($"http://operator:proxy-word@127.0.0.1:{proxy.Port}"));
            options.LogLevel = "trace";
            options.ConfigureLogging = logging => logging.AddProvider(log);
        });
        var id = await gateway.ModelAsync("openai", "m", "");
        await gateway.EndpointAsync("chat", $$"""[{"model_definition_id":"{{id}}"}]""");

        var answer = await gateway.SendAsync(SomeGateway.Request());

        Assert.Equal(502, answer.Status);
        Assert.NotEmpty(proxy.Requests);
        var (info, span) = await gateway.TraceAsync(SomeGateway.TraceOf(answer.Response));
        var told = string.Join('\n', log.Entries) + answer.Body + JsonSerializer.Serialize(info) + JsonSerializer.Serialize(span);
        Assert.Contains("407", told, StringComparison.Ordinal);
        Assert.DoesNotContain("proxy-word", told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Endpoint_ThatIsWrong_LeavesNoExperimentBehind()
    {
        await using var gateway = await SomeGateway.StartAsync();

        var (status, _, _) = await gateway.Server.PostJsonAsync("/api/3.0/mlflow/gateway/endpoints/create", """{"name":"chat","model_configs":[{"model_definition_id":"d-none"}]}""");

        Assert.Equal(404, status);
        Assert.Equal(404, (await gateway.Server.SendAsync("GET", "/api/2.0/mlflow/experiments/get-by-name?experiment_name=gateway/chat")).Status);
    }

    [Fact]
    public async Task Redirect_IsNotFollowed()
    {
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddAsync();
        gateway.Upstream.Answer = request => request.SendAsync(SomeUpstream.With("307 Temporary Redirect", "", headers: $"Location: {gateway.Second.Base}/steal\r\n"));

        var (status, body, _) = await gateway.SendAsync(SomeGateway.Request());

        Assert.Equal((502, true), (status, body.Contains("redirect", StringComparison.Ordinal)));
        Assert.Empty(gateway.Second.Requests);
    }

    private static async Task<(int Status, string Body)> BodyAsync(SomeGateway gateway)
    {
        var (status, body, _) = await gateway.SendAsync(SomeGateway.Request());
        return (status, body);
    }

    private sealed class Guard : IGatewayGuard
    {
        public ValueTask<string?> CheckAsync(GatewayRequest request, CancellationToken cancellationToken)
        {
            var text = System.Text.Encoding.UTF8.GetString(request.Body.Span);
            return text.Contains("fail", StringComparison.Ordinal) ? throw new InvalidOperationException("inner words")
                : ValueTask.FromResult(text.Contains("forbidden", StringComparison.Ordinal) && request is { Endpoint: "chat", Operation: "chat/completions", User: null } ? "not about that" : null);
        }
    }
}
