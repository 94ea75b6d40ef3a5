using System.Text;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>Calls that pass a gateway while what is recorded of them cannot be taken.</summary>
public sealed class PassedCallTests : CaptureTestBase
{
    [Fact]
    public async Task Calls_MoreThanCanWait_AreCountedAtOnceWithoutContent()
    {
        using var goOn = new ManualResetEventSlim();
        using var capture = new HttpCapture(Tracer, Log, new OpenAIAutologOptions(), () => goOn.Wait(Token));
        try
        {
            for (var i = 0; i < RecordingWorker.Capacity; i++)
            {
                await PassAsync(capture, "{}", Answer);
            }

            Assert.Empty(Exporter.Spans);
            await PassAsync(capture, "{}", Answer);
            Assert.True(Assert.Single(Exporter.Spans).IsWithoutContent);
        }
        finally
        {
            goOn.Set();
        }

        await capture.DrainAsync(Token);
        Assert.Equal(RecordingWorker.Capacity + 1, Exporter.Spans.Count);
        Assert.All(Exporter.Spans, span => Assert.Equal((19, 10), (span.Usage?.InputTokens, span.Usage?.OutputTokens)));
        Assert.Equal(RecordingWorker.Capacity, Exporter.Spans.Count(span => span is { IsWithoutContent: false }));
    }

    [Fact]
    public async Task Calls_WithMoreThanCanWait_LeaveMemoryForTheAnswersOfOthers()
    {
        const int Calls = 200;
        var body = """{"model":"gpt-4o","messages":[{"role":"user","content":" """ + new string('x', 1 << 20) + "\"}]}";
        using var goOn = new ManualResetEventSlim();
        using var capture = new HttpCapture(Tracer, Log, new OpenAIAutologOptions(), () => goOn.Wait(Token));
        try
        {
            for (var i = 0; i < Calls; i++)
            {
                await PassAsync(capture, body, Answer);
                Assert.InRange(capture.Budget.Held, 0, RecordingWorker.MaxWaitingBytes);
            }

            Assert.InRange(Exporter.Spans.Count, Calls / 2, Calls - 32);
        }
        finally
        {
            goOn.Set();
        }

        await capture.DrainAsync(Token);
        Assert.Equal(Calls, Exporter.Spans.Count);
        Assert.All(Exporter.Spans, span => Assert.Equal((19, 10), (span.Usage?.InputTokens, span.Usage?.OutputTokens)));
        Assert.Equal(0, capture.Budget.Held);
    }

    [Fact]
    public async Task Call_ForFiguresOnly_DoesNotWaitForRoom()
    {
        using var goOn = new ManualResetEventSlim();
        using var capture = new HttpCapture(Tracer, Log, new OpenAIAutologOptions(), () => goOn.Wait(Token));
        try
        {
            await PassAsync(capture, "{}", Answer, isForFigures: true);
            await capture.DrainAsync(Token).WaitAsync(TimeSpan.FromSeconds(30), Token);

            Assert.Equal(19, Assert.Single(Exporter.Spans).Usage?.InputTokens);
        }
        finally
        {
            goOn.Set();
        }
    }

    private static async Task PassAsync(HttpCapture capture, string body, string answer, bool isForFigures = false)
    {
        var call = capture.Pass(ApiCatalog.ChatCompletions)!;
        call.IsForFigures = isForFigures;
        using var request = new HttpRequestMessage(HttpMethod.Post, "http://127.0.0.1/v1/chat/completions") { Content = new StringContent(body, null, "application/json") };
        using var response = new HttpResponseMessage { Content = new StringContent(answer, null, "application/json") };
        HttpCapture.Answer(HttpCapture.Try(call, request, Encoding.UTF8.GetBytes(body))!, response, default);
        await response.Content.CopyToAsync(Stream.Null, Token);
        capture.Settle(call, null);
    }
}
