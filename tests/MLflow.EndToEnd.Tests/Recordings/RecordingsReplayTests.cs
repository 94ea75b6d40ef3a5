using System.ClientModel;
using System.ClientModel.Primitives;
using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using OpenAI;
using OpenAI.Chat;
using Xunit;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>
/// Every recorded chat completion, sent again by the real OpenAI package while it is traced: the program gets the recorded bytes, and the stored trace
/// has the recorded request, response and usage.
/// </summary>
[Collection("tracked process")]
public sealed class RecordingsReplayTests(TrackedProcess tracked)
{
    /// <summary>Recordings whose trace may differ, with the reason. Stale entries fail the test.</summary>
    private static readonly Dictionary<string, string> KnownDifferences = [];

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    [Fact]
    public async Task Recordings_SentByProtocolMethods_AreStoredAsRecorded()
    {
        var recordings = Load();
        await using var endpoint = await ReplayEndpoint.StartAsync(recordings);
        var replayed = new ConcurrentBag<(Recording Recording, string TraceId, string? Difference)>();
        await Parallel.ForEachAsync(recordings.Select((recording, i) => (recording, i)), Token, async (item, _) =>
        {
            using var root = Mlflow.StartSpan(item.recording.Id);
            var received = await SendAsync(endpoint, item.recording, isAsync: item.i % 2 == 0);
            var difference = received.AsSpan().SequenceEqual(item.recording.ResponseBody) ? null : "the program got other bytes than were recorded";
            replayed.Add((item.recording, root.TraceId, difference));
        });

        await ReportAsync("protocol methods", replayed, endpoint);
    }

    [Fact]
    public async Task RecordedStreams_ReadByTypedMethods_AreStoredAsRecorded()
    {
        var recordings = Load().Where(recording => recording.IsEventStream).ToList();
        await using var endpoint = await ReplayEndpoint.StartAsync(recordings);
        var replayed = new ConcurrentBag<(Recording Recording, string TraceId, string? Difference)>();
        await Parallel.ForEachAsync(recordings.Select((recording, i) => (recording, i)), Token, async (item, token) =>
        {
            using var root = Mlflow.StartSpan(item.recording.Id);
            await ReadTypedAsync(endpoint, item.recording, isAsync: item.i % 2 == 0, token);
            replayed.Add((item.recording, root.TraceId, null));
        });

        await ReportAsync("typed streaming methods", replayed, endpoint);
    }

    private static IReadOnlyList<Recording> Load()
    {
        var recordings = Recording.LoadAll("chat.completions");
        Assert.SkipWhen(recordings is null, "The recordings (../shared/recordings) are not here.");
        return recordings!;
    }

    private static ChatClient Client(ReplayEndpoint endpoint, Recording recording)
    {
        var options = new OpenAIClientOptions { Endpoint = new Uri(endpoint.Address, "/v1"), RetryPolicy = new ClientRetryPolicy(0) };
        options.AddPolicy(new RecordingHeader(recording.Id), PipelinePosition.PerCall);
        return new ChatClient("unused", new ApiKeyCredential("sk-replay"), options);
    }

    /// <summary>Sends the recorded request and gives the bytes of the answer as the program sees them.</summary>
    private static async Task<byte[]> SendAsync(ReplayEndpoint endpoint, Recording recording, bool isAsync)
    {
        var client = Client(endpoint, recording);
        if (!recording.IsModelCall)
        {
            return await SendOtherAsync(client, endpoint, recording);
        }

        var content = BinaryContent.Create(BinaryData.FromBytes(recording.RequestBody ?? []));
        var options = new RequestOptions { BufferResponse = !recording.IsEventStream, CancellationToken = Token };
        try
        {
            var result = isAsync ? await client.CompleteChatAsync(content, options) : client.CompleteChat(content, options);
            using var response = result.GetRawResponse();
            if (options.BufferResponse)
            {
                return response.Content.ToArray();
            }

            using var body = new MemoryStream();
            if (isAsync)
            {
                await response.ContentStream!.CopyToAsync(body, Token);
            }
            else
            {
                response.ContentStream!.CopyTo(body);
            }

            return body.ToArray();
        }
        catch (ClientResultException e)
        {
            return e.GetRawResponse()!.Content.ToArray();
        }
    }

    /// <summary>A look at a stored completion: no call of a model, so no span.</summary>
    private static async Task<byte[]> SendOtherAsync(ChatClient client, ReplayEndpoint endpoint, Recording recording)
    {
        using var message = client.Pipeline.CreateMessage();
        message.Request.Method = recording.Method;
        message.Request.Uri = new Uri(endpoint.Address, recording.Url.PathAndQuery);
        if (recording.RequestBody is { } body)
        {
            message.Request.Content = BinaryContent.Create(BinaryData.FromBytes(body));
        }

        await client.Pipeline.SendAsync(message);
        return message.Response!.Content.ToArray();
    }

    private static async Task ReadTypedAsync(ReplayEndpoint endpoint, Recording recording, bool isAsync, CancellationToken token)
    {
        var client = Client(endpoint, recording);
        ChatMessage[] messages = [new UserChatMessage("Say it again.")];
        try
        {
            if (isAsync)
            {
                await foreach (var update in client.CompleteChatStreamingAsync(messages, cancellationToken: token))
                {
                }
            }
            else
            {
                foreach (var update in client.CompleteChatStreaming(messages, cancellationToken: token))
                {
                }
            }
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // What compatible servers send is not always what the package understands; what was read until then is recorded all the same.
            PackageFailures[recording.Id] = $"{e.GetType().Name}: {e.Message.ReplaceLineEndings(" ")}";
        }
    }

    private static readonly ConcurrentDictionary<string, string> PackageFailures = new();

    private async Task ReportAsync(
        string how, ConcurrentBag<(Recording Recording, string TraceId, string? Difference)> replayed, ReplayEndpoint endpoint)
    {
        var flushed = await Mlflow.FlushAsync(Token);
        Assert.Equal(0, flushed.Dropped);
        var differences = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (recording, traceId, difference) in replayed)
        {
            var trace = await tracked.GetTraceAsync(traceId, Token);
            if ((difference ?? Compare(recording, trace, endpoint.Received[recording.Id])) is { } found)
            {
                differences[recording.Id] = found;
            }
        }

        var output = Xunit.TestContext.Current.TestOutputHelper!;
        output.WriteLine($"{how}: {replayed.Count} exchanges replayed, {replayed.Count - differences.Count} agreed");
        foreach (var (id, difference) in differences)
        {
            output.WriteLine($"  {id}: {difference}{(KnownDifferences.TryGetValue(id, out var reason) ? " — known: " + reason : "")}");
        }

        foreach (var (id, failure) in PackageFailures.OrderBy(p => p.Key, StringComparer.Ordinal))
        {
            output.WriteLine($"  (the OpenAI package failed on {id}: {failure})");
        }

        Assert.Empty(differences.Keys.Except(KnownDifferences.Keys));
        Assert.NotEmpty(replayed);
    }

    private static string? Compare(Recording recording, StoredTrace? trace, byte[] sent)
    {
        if (trace is null)
        {
            return "no trace was stored";
        }

        if (!recording.IsModelCall)
        {
            return trace.Spans.Count == 1 ? null : "a span was made of something that is no call of a model";
        }

        if (trace.Call is not { } call)
        {
            return $"{trace.Spans.Count} spans instead of a root and a call";
        }

        var isError = recording.Status >= 400;
        return Differs("inputs", sent.Length == 0 ? null : JsonNode.Parse(sent), call.Attributes["mlflow.spanInputs"])
            ?? (isError
                ? call.StatusCode == "STATUS_CODE_ERROR" && !call.Attributes.ContainsKey("mlflow.spanOutputs") ? null : "no error although the status is " + recording.Status
                : Differs("outputs", ExpectedOutput(recording), call.Attributes["mlflow.spanOutputs"]))
            ?? (isError ? null : Differs("usage", ExpectedUsage(recording), call.Attributes["mlflow.chat.tokenUsage"]));
    }

    private static JsonNode? ExpectedOutput(Recording recording) => recording.IsEventStream
        ? ReferenceMerge.Merge(ReferenceMerge.Chunks(Encoding.UTF8.GetString(recording.ResponseBody)))
        : JsonNode.Parse(recording.ResponseBody);

    private static JsonObject? ExpectedUsage(Recording recording)
    {
        var usage = recording.IsEventStream
            ? ReferenceMerge.Usage(ReferenceMerge.Chunks(Encoding.UTF8.GetString(recording.ResponseBody)))
            : (JsonNode.Parse(recording.ResponseBody) as JsonObject)?["usage"];
        if (usage is null)
        {
            return null;
        }

        var expected = new JsonObject();
        Take("prompt_tokens", "input_tokens", usage);
        Take("completion_tokens", "output_tokens", usage);
        Take("total_tokens", "total_tokens", usage);
        Take("cached_tokens", "cache_read_input_tokens", usage["prompt_tokens_details"]);
        if (!expected.ContainsKey("cache_read_input_tokens"))
        {
            Take("prompt_cache_hit_tokens", "cache_read_input_tokens", usage);
        }

        return expected;

        void Take(string from, string to, JsonNode? source)
        {
            if (source?[from] is { } value)
            {
                expected[to] = value.DeepClone();
            }
        }
    }

    private static string? Differs(string what, JsonNode? expected, JsonNode? actual) =>
        JsonNode.DeepEquals(expected, actual) ? null : $"{what} differ: expected {Short(expected)}, stored {Short(actual)}";

    private static string Short(JsonNode? node) => node?.ToJsonString() is { } text ? text.Length > 1500 ? text[..1500] + "…" : text : "nothing";

    private sealed class RecordingHeader(string id) : PipelinePolicy
    {
        public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
        {
            message.Request.Headers.Set(ReplayEndpoint.Header, id);
            ProcessNext(message, pipeline, currentIndex);
        }

        public override ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
        {
            message.Request.Headers.Set(ReplayEndpoint.Header, id);
            return ProcessNextAsync(message, pipeline, currentIndex);
        }
    }
}
