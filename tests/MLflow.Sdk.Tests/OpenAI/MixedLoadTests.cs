using System.ClientModel;
using System.ClientModel.Primitives;
using System.Collections.Concurrent;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using OpenAI.Chat;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>Calls of every kind at once, with equal bodies but for their number: each span has its own request, answer, tries and parent.</summary>
public sealed partial class MixedLoadTests : CaptureTestBase
{
    private const int Calls = 300;

    private static readonly string[] Kinds = ["plain", "retried", "refused", "stream", "left", "cancelled"];

    private readonly ConcurrentDictionary<string, int> _tries = new();
    private readonly ConcurrentDictionary<int, TaskCompletionSource> _asked = new();

    [Fact]
    public async Task Calls_OfEveryKindAtOnce_EachHaveTheirOwnSpan()
    {
        await using var server = await LoopbackServer.StartAsync(AnswerAsync);
        var client = Client(server.Address, o => o.RetryPolicy = new ImmediateRetries());
        await Parallel.ForEachAsync(Enumerable.Range(0, Calls), new ParallelOptions { MaxDegreeOfParallelism = 32, CancellationToken = Token }, async (i, token) =>
        {
            using var parent = Tracer.StartSpan("parent-" + i, SpanType.Chain);
            await CallAsync(client, i, token);
        });

        var calls = (await SpansAsync()).Where(span => span.SpanType == SpanType.ChatModel).ToList();

        Assert.Equal(Calls, calls.Count);
        Assert.Equal(Calls, calls.Select(call => call.Parent!.Name).Distinct().Count());
        Assert.All(calls, Check);
        Assert.Equal(0, Capture.Budget.Held);
    }

    private static void Check(LiveSpan call)
    {
        var number = int.Parse(call.Parent!.Name["parent-".Length..], System.Globalization.CultureInfo.InvariantCulture);
        var kind = Kinds[number % Kinds.Length];
        Assert.Contains($"case {number} {kind}.", Encoding.UTF8.GetString(call.Attribute(AttributeNames.Inputs).Json), StringComparison.Ordinal);
        var isAnswered = kind is "plain" or "retried" or "stream" or "left";
        Assert.Equal(isAnswered ? SpanStatusCode.Ok : SpanStatusCode.Error, call.StatusCode);
        Assert.Equal(isAnswered, call.Has(AttributeNames.Outputs));
        if (isAnswered)
        {
            Assert.Contains($"\"id-{number}\"", Encoding.UTF8.GetString(call.Attribute(AttributeNames.Outputs).Json), StringComparison.Ordinal);
        }

        Assert.Equal(kind == "retried" ? 3 : 0, call.EndedEvents.Count(e => e.Name == AttributeNames.AttemptEvent));
        Assert.Equal(kind == "left", call.Has(AttributeNames.StreamEnd) && call.Text(AttributeNames.StreamEnd) == "abandoned");
    }

    private async Task CallAsync(ChatClient client, int number, CancellationToken token)
    {
        var kind = Kinds[number % Kinds.Length];
        ChatMessage[] messages = [new UserChatMessage($"case {number} {kind}.")];
        switch (kind)
        {
            case "stream" or "left":
                await foreach (var update in client.CompleteChatStreamingAsync(messages, cancellationToken: token))
                {
                    if (kind == "left")
                    {
                        break;
                    }
                }

                break;
            case "refused":
                await Assert.ThrowsAsync<ClientResultException>(() => client.CompleteChatAsync(messages, cancellationToken: token));
                break;
            case "cancelled":
                using (var cancel = CancellationTokenSource.CreateLinkedTokenSource(token))
                {
                    var call = client.CompleteChatAsync(messages, cancellationToken: cancel.Token);

                    // Not before the server has the request: a call that is cancelled before it is sent is seen by nobody.
                    await Asked(number).Task;
                    await cancel.CancelAsync();
                    await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
                }

                break;
            case var _ when number % 4 == 0:
                client.CompleteChat(messages, cancellationToken: token);
                break;
            default:
                await client.CompleteChatAsync(messages, cancellationToken: token);
                break;
        }
    }

    private async Task AnswerAsync(HttpContext context, int count)
    {
        var prompt = context.Items["body"] as string ?? "";
        var match = Case().Match(prompt);
        var id = "id-" + match.Groups["number"].Value;
        switch (match.Groups["kind"].Value)
        {
            case "retried" when _tries.AddOrUpdate(id, 1, (_, tries) => tries + 1) < 3:
                await Json(context, Error429, 429);
                break;
            case "refused":
                await Json(context, """{"error":{"message":"no","type":"invalid_request_error"}}""", 400);
                break;
            case "stream":
                await Sse(context, Chunks.Select(chunk => chunk.Replace("\"c1\"", $"\"{id}\"", StringComparison.Ordinal)));
                break;
            case "left":
                await Sse(context, Chunks.Take(3).Select(chunk => chunk.Replace("\"c1\"", $"\"{id}\"", StringComparison.Ordinal)), done: false);
                break;
            case "cancelled":
                Asked(int.Parse(match.Groups["number"].Value, System.Globalization.CultureInfo.InvariantCulture)).SetResult();
                var gone = new TaskCompletionSource();
                await using (context.RequestAborted.Register(gone.SetResult))
                {
                    await gone.Task;
                }

                break;
            default:
                await Json(context, Answer.Replace("chatcmpl-1", id, StringComparison.Ordinal));
                break;
        }
    }

    private TaskCompletionSource Asked(int number) => _asked.GetOrAdd(number, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

    [GeneratedRegex(@"case (?<number>\d+) (?<kind>\w+)\.")]
    private static partial Regex Case();

    private sealed class ImmediateRetries : ClientRetryPolicy
    {
        protected override TimeSpan GetNextDelay(PipelineMessage message, int tryCount) => TimeSpan.Zero;
    }
}
