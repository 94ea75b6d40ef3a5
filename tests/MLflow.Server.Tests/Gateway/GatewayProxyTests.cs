using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using MLflow.Server.Tests.Operations;
using MLflow.Server.Traces;
using Xunit;

namespace MLflow.Server.Tests.Gateway;

/// <summary>What goes to a model, and what comes back.</summary>
public sealed class GatewayProxyTests
{
    private const string Answer = """{"id":"c1","object":"chat.completion","created":1,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{"role":"assistant","content":"Hello from 東京"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1000,"completion_tokens":500,"total_tokens":1500}}""";

    private static readonly string[] Events =
    [
        "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"He\"}}]}\n\n",
        ": keep-alive\r\n\r\ndata: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"llo\"},\"finish_reason\":\"stop\"}]}\n\n",
        "data: [DONE]\n\n",
    ];

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    [Fact]
    public async Task Call_PassesItsBytesBothWays_ButForModelAndKey()
    {
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddAsync();
        gateway.Upstream.Answer = request => request.SendAsync(SomeUpstream.Ok(Answer, headers: "x-request-id: req_1\r\nSet-Cookie: a=b\r\nopenai-processing-ms: 7\r\n"));
        const string Body = "{ \"messages\":[{\"role\":\"user\",\"content\":\"\\u0048i  東\"}],\n \"model\" : \"chat\", \"unknown\":[1.0 ,{\"model\":\"chat\"}], \"temperature\":1e0 }";

        var (status, body, response) = await gateway.SendAsync(SomeGateway.Request(
            Body, headers: [("Authorization", "Bearer of-the-client"), ("Cookie", "c=d"), ("x-api-key", "k"), ("User-Agent", "OpenAI/2.15.0"), ("x-forwarded-for", "10.0.0.1"), ("OpenAI-Organization", "org-x")]));

        var sent = Assert.Single(gateway.Upstream.Requests);
        Assert.Equal(Body.Replace("\"model\" : \"chat\"", "\"model\" : \"gpt-4o-mini\"", StringComparison.Ordinal), sent.Text);
        Assert.Equal("/v1/chat/completions", sent.Path);
        Assert.Equal($"Bearer {SomeGateway.Key}", sent.Headers["authorization"].Single());
        Assert.Equal("OpenAI/2.15.0", sent.Headers["user-agent"].Single());
        Assert.Equal(["authorization", "content-length", "content-type", "host", "user-agent"], sent.Headers.Select(header => header.Key).Order());
        Assert.Equal((200, Answer), (status, body));
        Assert.Equal("req_1", response.Headers.GetValues("x-request-id").Single());
        Assert.False(response.Headers.Contains("Set-Cookie"));
    }

    [Fact]
    public async Task Call_OfAnEndpointNamedAsItsModel_PassesEveryByte()
    {
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddAsync("gpt-4o-mini");
        const string Body = "{\"model\":\"gpt-4o\\u002dmini\",\"messages\":[]}";

        await gateway.SendAsync(SomeGateway.Request(Body));

        Assert.Equal(Body, Assert.Single(gateway.Upstream.Requests).Text);
    }

    [Fact]
    public async Task Call_ByAnAlias_GoesToTheEndpoint()
    {
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddAsync(more: ""","aliases":["gpt-4","team/chat:v1"]""");

        Assert.Equal(200, (await gateway.SendAsync(SomeGateway.Request("""{"model":"team/chat:v1","messages":[]}"""))).Status);
        Assert.Equal("""{"model":"gpt-4o-mini","messages":[]}""", Assert.Single(gateway.Upstream.Requests).Text);
        var models = JsonDocument.Parse(await gateway.Client.GetStringAsync(new Uri("/gateway/openai/v1/models", UriKind.Relative), Token)).RootElement.GetProperty("data");
        Assert.Equal(["chat", "gpt-4", "team/chat:v1"], models.EnumerateArray().Select(model => model.GetProperty("id").GetString()));
    }

    [Fact]
    public async Task Stream_PassesEachByteAsItComes()
    {
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddAsync();
        var isRead = new TaskCompletionSource();
        gateway.Upstream.Answer = async request =>
        {
            await request.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + Events[0]);
            await isRead.Task;
            await request.SendAsync(Events[1] + Events[2]);
        };

        using var request = SomeGateway.Request("""{"model":"chat","stream":true,"messages":[]}""");
        using var response = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
        await using var body = await response.Content.ReadAsStreamAsync(Token);
        var bytes = new byte[4096];
        var read = await body.ReadAsync(bytes, Token);
        while (read < Encoding.UTF8.GetByteCount(Events[0]))
        {
            read += await body.ReadAsync(bytes.AsMemory(read), Token);
        }

        // The rest is sent only now: the beginning did not wait for it.
        isRead.SetResult();
        using var rest = new StreamReader(body);

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal(string.Concat(Events), Encoding.UTF8.GetString(bytes, 0, read) + await rest.ReadToEndAsync(Token));
        var (_, span) = await gateway.TraceAsync(response);
        Assert.Equal("\"completed\"", span["mlflow.stream.end"]);
    }

    [Theory]
    [InlineData("400 Bad Request", 400)]
    [InlineData("401 Unauthorized", 401)]
    [InlineData("404 Not Found", 404)]
    [InlineData("422 Unprocessable Entity", 422)]
    [InlineData("429 Too Many Requests", 429)]
    [InlineData("500 Internal Server Error", 500)]
    [InlineData("503 Service Unavailable", 503)]
    public async Task Error_OfAModel_HasItsTrueStatus(string line, int expected)
    {
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddAsync();
        const string Error = """{"error":{"message":"of the model","type":"t","param":null,"code":"c"}}""";
        gateway.Upstream.Answer = request => request.SendAsync(SomeUpstream.With(line, Error, headers: "Retry-After: 17\r\n"));

        var (status, body, response) = await gateway.SendAsync(SomeGateway.Request());

        Assert.Equal((expected, Error), (status, body));
        Assert.Equal(17, response.Headers.RetryAfter!.Delta!.Value.TotalSeconds);
        Assert.Single(gateway.Upstream.Requests);
        var (info, span) = await gateway.TraceAsync(response);
        Assert.Equal((TraceState.Error, $"{expected}"), (info.State, span["http.response.status_code"]));
    }

    [Theory]
    [InlineData("longer than it says")]
    [InlineData("shorter than it says")]
    [InlineData("broken stream")]
    [InlineData("reset before anything")]
    [InlineData("reset in the headers")]
    [InlineData("no http")]
    [InlineData("broken chunk")]
    public async Task Answer_ThatLiesOrBreaks_IsWhatTheClientWouldGetWithoutUs(string kind)
    {
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddAsync();
        gateway.Upstream.Answer = async request =>
        {
            await request.SendAsync(kind switch
            {
                "longer than it says" => "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n" + Answer,
                "shorter than it says" => "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n" + Answer,
                "broken stream" => "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" + $"{Events[0].Length:x}\r\n{Events[0]}\r\n",
                "broken chunk" => "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                "reset in the headers" => "HTTP/1.1 200 OK\r\nContent-T",
                "no http" => "hello\r\n\r\n",
                _ => "",
            });
            if (kind.StartsWith("reset", StringComparison.Ordinal))
            {
                request.Reset();
            }
        };

        var direct = await OutcomeAsync(new Uri(gateway.Upstream.Base + "/chat/completions"), null);
        var through = await OutcomeAsync(new Uri(gateway.Client.BaseAddress!, SomeGateway.Chat), gateway.Client);

        if (direct.Status == 0 || (direct.IsBroken && direct.Text.Length == 0))
        {
            // Nothing came of an answer: that is what a gateway has a status for.
            Assert.Equal((502, false), (through.Status, through.IsBroken));
            Assert.Contains("upstream_unreachable", through.Text, StringComparison.Ordinal);
        }
        else
        {
            Assert.Equal((direct.Status, direct.Text, direct.IsBroken), (through.Status, through.Text, through.IsBroken));
        }

        var (info, span) = await gateway.TraceAsync(through.TraceId!);
        if (kind != "longer than it says")
        {
            Assert.Equal(TraceState.Error, info.State);
            Assert.Equal(SpanStatus.Error, span.Status);
        }
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "Warning MLflow.Server.Gateway.GatewayProxy: The answer of a model of endpoint 'chat' broke off after its beginning, and so did ours: ")]
    [InlineData("", "Warning MLflow.Server.Gateway.GatewayProxy: A model of endpoint 'chat' gave no answer: ")]
    public async Task Answer_ThatBreaks_IsOneWarning(string answer, string expected)
    {
        using var log = new KeptLog();
        await using var gateway = await SomeGateway.StartAsync(options =>
        {
            options.LogLevel = "warning";
            options.ConfigureLogging = logging => logging.AddProvider(log);
        });
        await gateway.AddAsync();
        gateway.Upstream.Answer = request => request.SendAsync(answer);
        var before = log.Entries.Count;

        await OutcomeAsync(new Uri(gateway.Client.BaseAddress!, SomeGateway.Chat), gateway.Client);

        // The client may know before the server has written down what it says last.
        await gateway.Server.DisposeServerAsync();
        Assert.StartsWith(expected, Assert.Single(log.Entries.Skip(before)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Model_ThatSaysNothing_IsGivenUpInTime()
    {
        await using var gateway = await SomeGateway.StartAsync(options => options.GatewayTimeout = TimeSpan.FromMilliseconds(200));
        await gateway.AddAsync();
        gateway.Upstream.Answer = request => Task.Delay(Timeout.Infinite, request.Stop);

        var (status, body, response) = await gateway.SendAsync(SomeGateway.Request());

        Assert.Equal(504, status);
        Assert.Contains("upstream_timeout", body, StringComparison.Ordinal);
        Assert.Equal(TraceState.Error, (await gateway.TraceAsync(response)).Info.State);
    }

    [Fact]
    public async Task Client_ThatGoes_EndsTheCallOfTheModel()
    {
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddAsync();
        var isGone = new TaskCompletionSource();
        gateway.Upstream.Answer = async request =>
        {
            await request.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n");
            try
            {
                while (true)
                {
                    await request.SendAsync(Events[0]);
                }
            }
            finally
            {
                isGone.SetResult();
            }
        };

        string traceId;
        using (var response = await gateway.Client.SendAsync(SomeGateway.Request(), HttpCompletionOption.ResponseHeadersRead, Token))
        {
            traceId = SomeGateway.TraceOf(response);
        }

        await isGone.Task.WaitAsync(Token);
        Assert.Equal("\"cancelled\"", (await gateway.TraceAsync(traceId)).Span["mlflow.stream.end"]);
    }

    [Theory]
    [InlineData("", 400, "not a JSON object")]
    [InlineData("[]", 400, "not a JSON object")]
    [InlineData("{", 400, "not a JSON object")]
    [InlineData("{}", 400, "Missing required 'model'")]
    [InlineData("""{"model":7}""", 400, "Missing required 'model'")]
    [InlineData("""{"model":"nobody"}""", 404, "GatewayEndpoint not found (name='nobody')")]
    public async Task Request_ThatCannotBePassed_IsAnsweredAsByOpenAI(string json, int expected, string message)
    {
        await using var gateway = await SomeGateway.StartAsync();

        var (status, body, _) = await gateway.SendAsync(SomeGateway.Request(json));

        Assert.Equal(expected, status);
        var error = JsonDocument.Parse(body).RootElement.GetProperty("error");
        Assert.Contains(message, error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal("invalid_request_error", error.GetProperty("type").GetString());
        Assert.Empty(gateway.Upstream.Requests);
    }

    [Fact]
    public async Task Invocations_OfMlflow_AreToldByTheirBody()
    {
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddAsync();

        Assert.Equal(200, (await gateway.SendAsync(SomeGateway.Request("""{"messages":[]}""", "/gateway/chat/mlflow/invocations"))).Status);
        Assert.Equal(200, (await gateway.SendAsync(SomeGateway.Request("""{"input":"x"}""", "/gateway/chat/mlflow/invocations"))).Status);
        var (status, body, _) = await gateway.SendAsync(SomeGateway.Request("""{"x":1}""", "/gateway/chat/mlflow/invocations"));
        var (missing, error, _) = await gateway.SendAsync(SomeGateway.Request("""{"messages":[]}""", "/gateway/x/mlflow/invocations"));

        Assert.Equal(["/v1/chat/completions {\"model\":\"gpt-4o-mini\",\"messages\":[]}", "/v1/embeddings {\"model\":\"gpt-4o-mini\",\"input\":\"x\"}"], gateway.Upstream.Requests.Select(request => $"{request.Path} {request.Text}"));
        Assert.Equal((400, true), (status, body.Contains("payload format must be either chat or embeddings", StringComparison.Ordinal)));
        Assert.Equal((404, """{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"GatewayEndpoint not found (name='x')"}"""), (missing, error));
    }

    [Fact]
    public async Task Form_WithAFile_HasAnotherModelAndNothingElse()
    {
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddAsync("stt", "whisper-1");
        const string Before = "--b0\r\nContent-Disposition: form-data; name=\"file\"; filename=\"model\"\r\n\r\nname=\"model\"\r\n\r\nstt\r\n--b0\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n";
        const string After = "\r\n--b0\r\nContent-Disposition: form-data; name=\"language\"\r\n\r\nja\r\n--b0--\r\n";
        using var request = SomeGateway.Request(Before + "stt" + After, "/gateway/openai/v1/audio/transcriptions");
        request.Content!.Headers.ContentType = System.Net.Http.Headers.MediaTypeHeaderValue.Parse("multipart/form-data; boundary=\"b0\"");

        Assert.Equal(200, (await gateway.SendAsync(request)).Status);

        var sent = Assert.Single(gateway.Upstream.Requests);
        Assert.Equal(("/v1/audio/transcriptions", Before + "whisper-1" + After), (sent.Path, sent.Text));
        Assert.Equal("multipart/form-data; boundary=\"b0\"", sent.Headers["content-type"].Single());
    }

    [Theory]
    [InlineData("azure", "", "/v1/openai/v1/chat/completions", "api-key", "gpt-4o-mini")]
    [InlineData("azure", ""","api_version":"2024-10-21" """, "/v1/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21", "api-key", "chat")]
    [InlineData("databricks", "", "/v1/chat/completions", "authorization", "gpt-4o-mini")]
    [InlineData("anthropic", "", "/v1/chat/completions", "authorization", "gpt-4o-mini")]
    [InlineData("custom", "", "/v1/chat/completions", "authorization", "gpt-4o-mini")]
    public async Task Provider_IsAskedAsItWants(string provider, string authConfig, string path, string header, string model)
    {
        await using var gateway = await SomeGateway.StartAsync();
        var id = await gateway.ModelAsync("chat", "gpt-4o-mini", gateway.Upstream.Base, provider, authConfig);
        await gateway.EndpointAsync("chat", $$"""[{"model_definition_id":"{{id}}"}]""");

        Assert.Equal(200, (await gateway.SendAsync(SomeGateway.Request())).Status);

        var sent = Assert.Single(gateway.Upstream.Requests);
        Assert.Equal(path, sent.Path);
        Assert.EndsWith(SomeGateway.Key, sent.Headers[header].Single(), StringComparison.Ordinal);
        Assert.Contains($"\"model\":\"{model}\"", sent.Text, StringComparison.Ordinal);
    }

    private static async Task<(int Status, string Text, bool IsBroken, string? TraceId)> OutcomeAsync(Uri address, HttpClient? client)
    {
        using var own = client is null ? new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null }) : null;
        using var request = SomeGateway.Request();
        request.RequestUri = address;
        try
        {
            using var response = await (client ?? own)!.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
            var trace = response.Headers.TryGetValues("X-MLflow-Trace-Id", out var ids) ? ids.Single() : null;
            var text = new StringBuilder();
            try
            {
                using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Token));
                var buffer = new char[256];
                int read;
                while ((read = await reader.ReadAsync(buffer, Token)) > 0)
                {
                    text.Append(buffer, 0, read);
                }

                return ((int)response.StatusCode, text.ToString(), false, trace);
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                return ((int)response.StatusCode, text.ToString(), true, trace);
            }
        }
        catch (HttpRequestException)
        {
            return (0, "", true, null);
        }
    }
}
