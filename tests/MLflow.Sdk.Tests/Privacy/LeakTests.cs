using System.ClientModel;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using MLflow.Sdk.Tests.Capture;
using OpenAI.Chat;
using Xunit;
using ModelServer = MLflow.Sdk.Tests.Capture.LoopbackServer;
using TrackingServerDouble = MLflow.Tests.Export.LoopbackServer;

namespace MLflow.Tests.Privacy;

/// <summary>Secrets go through everything that is traced, and are looked for in everything that leaves the program or is written to its disk.</summary>
[Collection("capture")]
public sealed class LeakTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mlflow-privacy-").FullName;
    private readonly RecordingLog _log = new();

    public static TheoryData<string> Kinds => SecretScrubberTests.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        OpenAIAutolog.Set(Mlflow.Client, disable: true, configure: null);
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Secret_AnywhereInTheWork_IsNeitherSentNorLogged(string kind)
    {
        var (_, text, secret) = LeakCorpus.All.Single(entry => entry.Kind == kind);
        await AssertNotSentAsync(text, secret);
    }

    [Theory]
    [MemberData(nameof(KnownSecretTests.Values), MemberType = typeof(KnownSecretTests))]
    public async Task KnownSecret_AnywhereInTheWork_IsNeitherSentNorLogged(string secret)
    {
        KnownSecrets.Keep(KnownSecrets.Add(Encoding.UTF8.GetBytes(secret)));
        await AssertNotSentAsync($"it is {secret} here", secret);
        await AssertNotSentAsync(secret, secret, privacy => privacy.ScrubSecrets = false);
    }

    [Theory]
    [MemberData(nameof(KnownSecretTests.Values), MemberType = typeof(KnownSecretTests))]
    public async Task KnownSecret_ServerAway_IsNotWrittenToTheDisk(string secret)
    {
        KnownSecrets.Keep(KnownSecrets.Add(Encoding.UTF8.GetBytes(secret)));
        await AssertNotWrittenAsync($"it is {secret} here", secret);
    }

    private async Task AssertNotSentAsync(string text, string secret, Action<PrivacyOptions>? configure = null)
    {
        foreach (var takesFacts in new[] { true, false })
        {
            await using var server = await TrackingServerDouble.StartAsync();
            server.TakesFacts = takesFacts;
            await using (var client = Client(server.Address, configure))
            {
                await WorkAsync(client, text, secret);
                var result = await client.FlushAsync(Token);

                Assert.Equal((8, 0, 0), (result.Exported, result.Pending, result.WithheldValues));
            }

            foreach (var request in server.Requests)
            {
                var body = Encoding.UTF8.GetString(request.Body);
                AssertAbsent(secret, body, request.Path);
                AssertAbsent(secret, body.Replace("\",\"", "", StringComparison.Ordinal), "the pieces in " + request.Path);

                // All streams had the secret in their chunks, a few letters in each.
                Assert.DoesNotContain("chat.completion.chunk", body, StringComparison.Ordinal);
                AssertAbsent(secret, request.Path, "the path");
            }
        }

        AssertAbsent(secret, string.Join('\n', _log.Lines), "the log");
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Secret_ServerAway_IsNotWrittenToTheDisk(string kind)
    {
        var (_, text, secret) = LeakCorpus.All.Single(entry => entry.Kind == kind);
        await AssertNotWrittenAsync(text, secret);
    }

    private async Task AssertNotWrittenAsync(string text, string secret)
    {
        await using (var client = Client($"http://127.0.0.1:{FreePort.Next()}"))
        {
            await WorkAsync(client, text, secret);
        }

        var files = Directory.GetFiles(_folder, "*", SearchOption.AllDirectories);
        Assert.NotEmpty(files);
        foreach (var file in files)
        {
            AssertAbsent(secret, Encoding.UTF8.GetString(await File.ReadAllBytesAsync(file, Token)), file);
        }

        AssertAbsent(secret, string.Join('\n', _log.Lines), "the log");
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Secret_QuotedByTheServer_IsInNoLogAndNoResult(string kind)
    {
        var (_, text, secret) = LeakCorpus.All.Single(entry => entry.Kind == kind);
        await using var server = await TrackingServerDouble.StartAsync();
        server.Intercept = async (context, request) =>
        {
            if (request.Path == "/version")
            {
                return false;
            }

            context.Response.StatusCode = 400;
            await context.Response.WriteAsync(JsonSerializer.Serialize(new Dictionary<string, string> { ["error_code"] = "INVALID_PARAMETER_VALUE", ["message"] = "Not valid: " + text }));
            return true;
        };
        await using var client = Client(server.Address);
        client.StartSpan("x").Dispose();

        var result = await client.FlushAsync(Token);
        var exception = await Assert.ThrowsAsync<MlflowException>(() => client.SetExperimentAsync("x", cancellationToken: Token));

        Assert.Equal(1, result.Dropped);
        Assert.Contains("Not valid", result.LastError, StringComparison.Ordinal);
        AssertAbsent(secret, result.LastError!, "LastError");
        AssertAbsent(secret, exception.ToString(), "the exception");
        AssertAbsent(secret, string.Join('\n', _log.Lines), "the log");
    }

    [Fact]
    public async Task ScrubSecrets_TurnedOff_LeavesThem()
    {
        var (_, text, secret) = LeakCorpus.All[0];
        await using var server = await TrackingServerDouble.StartAsync();
        await using var client = Client(server.Address, privacy => privacy.ScrubSecrets = false);
        using (var span = client.StartSpan("x"))
        {
            span.SetInputs(text);
        }

        await client.FlushAsync(Token);

        Assert.Contains(server.Requests, request => Encoding.UTF8.GetString(request.Body).Contains(secret, StringComparison.Ordinal));
    }

    private static void AssertAbsent(string secret, string text, string where)
    {
        // A part of a secret is one too.
        const int part = 12;
        text = text.Replace("\\n", "\n", StringComparison.Ordinal);
        for (var at = 0; at == 0 || at + part <= secret.Length; at++)
        {
            var piece = secret.Substring(at, Math.Min(part, secret.Length - at));
            Assert.False(text.Contains(piece, StringComparison.Ordinal), $"'{piece}' of '{secret}' is in {where}: {text}");
        }
    }

    private MlflowClient Client(string address, Action<PrivacyOptions>? configure = null)
    {
        var options = new MlflowClientOptions { TrackingUri = address, Experiment = "e", SpoolDirectory = _folder, LoggerFactory = _log };
        configure?.Invoke(options.Privacy);
        return new MlflowClient(options);
    }

    /// <summary>Eight traces.</summary>
    private static async Task WorkAsync(MlflowClient client, string text, string secret)
    {
        await using var model = await ModelServer.StartAsync((context, _) => AnswerAsync(context, text));
        OpenAIAutolog.Set(client, disable: true, configure: null);
        OpenAIAutolog.Set(client, disable: false, configure: null);
        try
        {
            await CallAsync(model, text);
            await RetryAsync(model, text);
            await SendRawAsync(model, text, secret);
        }
        finally
        {
            await client.FlushAsync(Token);
            OpenAIAutolog.Set(client, disable: true, configure: null);
        }

        OwnSpans(client, text);
    }

    private static async Task CallAsync(ModelServer model, string text)
    {
        var chat = CaptureTestBase.Client(model.Address, CaptureTestBase.NoRetries);
        var tool = ChatTool.CreateFunctionTool("lookup", text, BinaryData.FromObjectAsJson(new { type = "object", description = text }));

        // The call itself is as it was.
        ChatCompletion answer = await chat.CompleteChatAsync([new SystemChatMessage(text), new UserChatMessage("answer")], new ChatCompletionOptions { EndUserId = text, Tools = { tool } }, Token);
        Assert.Equal(text, answer.Content[0].Text);
        Assert.Equal(text, JsonSerializer.Deserialize<JsonElement>(answer.ToolCalls[0].FunctionArguments).GetProperty("note").GetString());
        Assert.Equal(text, JsonSerializer.Deserialize<JsonElement>(model.Bodies[0]).GetProperty("messages")[0].GetProperty("content").GetString());

        foreach (var kind in new[] { "stream", "stream-tool" })
        {
            var streamed = new StringBuilder();
            await foreach (var update in chat.CompleteChatStreamingAsync([new UserChatMessage(kind)], cancellationToken: Token))
            {
                streamed.AppendJoin("", update.ContentUpdate.Select(part => part.Text));
                streamed.AppendJoin("", update.ToolCallUpdates.Select(part => part.FunctionArgumentsUpdate));
            }

            Assert.Equal(kind == "stream" ? text : Arguments(text), streamed.ToString());
        }

        var error = await Assert.ThrowsAsync<ClientResultException>(() => chat.CompleteChatAsync([new UserChatMessage("fail")], cancellationToken: Token));
        Assert.Contains(text.Split('\n')[0], error.Message, StringComparison.Ordinal);
    }

    /// <summary>The failed try quotes the secret, in its error and where it tells of limits.</summary>
    private static async Task RetryAsync(ModelServer model, string text)
    {
        ChatCompletion answer = await CaptureTestBase.Client(model.Address).CompleteChatAsync([new UserChatMessage("retry")], cancellationToken: Token);
        Assert.Equal(text, answer.Content[0].Text);
    }

    private static async Task SendRawAsync(ModelServer model, string text, string secret)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(model.Address, "/v1/chat/completions?api-version=1&api_key=" + Uri.EscapeDataString(secret)))
        {
            // With a property that no type of the package knows.
            Content = new StringContent(JsonSerializer.Serialize(new { model = "m", messages = new[] { new { role = "user", content = "answer" } }, extra_body = new { note = text } }), Encoding.UTF8, "application/json"),
        };
        request.Headers.TryAddWithoutValidation("User-Agent", "openai-dotnet/2.0 (" + Uri.EscapeDataString(secret) + ")");
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + Uri.EscapeDataString(secret));
        using var response = await http.SendAsync(request, Token);
        await response.Content.ReadAsByteArrayAsync(Token);
    }

    private static void OwnSpans(MlflowClient client, string text)
    {
        using (var span = client.StartSpan("work " + text))
        {
            span.SetInputs(new { question = text, deep = new { list = new[] { text } } });
            span.SetOutputs(text);
            span.SetAttribute("note", text);
            span.SetAttribute(text, 1);
            span.SetAttribute("json", new Dictionary<string, string> { [text] = text, ["arguments"] = Arguments(text) });
            span.AddEvent("said " + text, [new("text", text)]);
            span.RecordException(new InvalidOperationException("failed: " + text));
            client.UpdateCurrentTrace(new TraceUpdate
            {
                Session = text,
                User = text,
                ClientRequestId = text,
                RequestPreview = text,
                ResponsePreview = text,
                Tags = new Dictionary<string, string> { ["tag"] = text },
                Metadata = new Dictionary<string, string> { ["more"] = text },
            });
        }

        using (var pieces = client.StartSpan("pieces"))
        {
            pieces.SetOutputs(Pieces(text).ToArray());
        }
    }

    private static string Arguments(string text) => JsonSerializer.Serialize(new { note = text });

    private static IEnumerable<string> Pieces(string text)
    {
        for (var at = 0; at < text.Length;)
        {
            var length = Math.Min(5, text.Length - at);

            // Half of a pair cannot be sent.
            length += char.IsHighSurrogate(text[at + length - 1]) ? 1 : 0;
            yield return text.Substring(at, length);
            at += length;
        }
    }

    // Tests of a collection run one after the other.
    private static int _retries;

    private static Task AnswerAsync(HttpContext context, string text)
    {
        var body = (string)context.Items["body"]!;
        if (body.Contains("stream-tool", StringComparison.Ordinal))
        {
            return CaptureTestBase.Sse(context, Pieces(Arguments(text)).Select((piece, i) => JsonSerializer.Serialize(new
            {
                id = "c",
                @object = "chat.completion.chunk",
                created = 1,
                model = "m",
                choices = new[] { new { index = 0, delta = new { tool_calls = new[] { new { index = 0, id = i == 0 ? "t" : null, type = "function", function = new { name = i == 0 ? "lookup" : null, arguments = piece } } } } } },
            })));
        }

        if (body.Contains("\"stream\"", StringComparison.Ordinal))
        {
            return CaptureTestBase.Sse(context, Pieces(text).Select(piece => JsonSerializer.Serialize(new
            {
                id = "c",
                @object = "chat.completion.chunk",
                created = 1,
                model = "m",
                choices = new[] { new { index = 0, delta = new { content = piece } } },
            })));
        }

        if (body.Contains("\"retry\"", StringComparison.Ordinal) && _retries++ % 2 == 0)
        {
            context.Response.Headers["retry-after-ms"] = "1";
            context.Response.Headers["x-ratelimit-note"] = text.Replace("\n", " ", StringComparison.Ordinal);
            return CaptureTestBase.Json(context, JsonSerializer.Serialize(new { error = new { message = text, type = "rate_limit", param = text, code = text } }), 429);
        }

        if (body.Contains("\"fail\"", StringComparison.Ordinal))
        {
            return CaptureTestBase.Json(context, JsonSerializer.Serialize(new { error = new { message = text, type = "invalid_request_error", param = (string?)null, code = "bad" } }), 400);
        }

        return CaptureTestBase.Json(context, JsonSerializer.Serialize(new
        {
            id = "c",
            @object = "chat.completion",
            created = 1,
            model = "m",
            choices = new[]
            {
                new
                {
                    index = 0,
                    finish_reason = "stop",
                    message = new { role = "assistant", content = text, tool_calls = new[] { new { id = "t", type = "function", function = new { name = "lookup", arguments = Arguments(text) } } } },
                },
            },
            usage = new { prompt_tokens = 1, completion_tokens = 1, total_tokens = 2 },
        }));
    }
}
