using System.Net;
using System.Text;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>The times of a stream's reads: cheap in a burst, exact where the program or the model takes its time.</summary>
public sealed class StreamTimeTests : CaptureTestBase
{
    /// <summary>Reads for which no clock need be read in a burst, and the one that reads it.</summary>
    private const int OneRoundOfReads = 17;

    [Fact]
    public void Read_ThatWaited_HasItsOwnTimeAfterABurst()
    {
        var attempt = StreamingAttempt();
        Burst(attempt);
        var paused = PassSomeTicks();

        attempt.BodyRead("data: {}\n\n"u8, isEnd: false);

        Assert.InRange(attempt.ResponseBody.LastByteTimestamp, paused, long.MaxValue);
    }

    [Fact]
    public void Reads_OfASlowProgramAfterABurst_SoonHaveTheirTimes()
    {
        var attempt = StreamingAttempt();
        Burst(attempt);
        var paused = PassSomeTicks();

        for (var i = 0; i < OneRoundOfReads; i++)
        {
            attempt.BodyRead("data: {}\n\n"u8, isEnd: false, hadCome: true);
        }

        Assert.InRange(attempt.ResponseBody.LastByteTimestamp, paused, long.MaxValue);

        // From here on the clock moves between two reads, and each of them sees it.
        for (var i = 0; i < 3; i++)
        {
            paused = PassSomeTicks();
            attempt.BodyRead("data: {}\n\n"u8, isEnd: false, hadCome: true);
            Assert.InRange(attempt.ResponseBody.LastByteTimestamp, paused, long.MaxValue);
        }
    }

    private static void Burst(LlmAttempt attempt)
    {
        for (var i = 0; i < 500; i++)
        {
            attempt.BodyRead("data: {}\n\n"u8, isEnd: false, hadCome: true);
        }
    }

    /// <returns>A timestamp after which the coarse clock has moved.</returns>
    private static long PassSomeTicks()
    {
        var paused = TimeProvider.System.GetTimestamp();
        SpinWait.SpinUntil(() => TimeProvider.System.GetElapsedTime(paused) > TimeSpan.FromMilliseconds(20));
        return paused;
    }

    private LlmAttempt StreamingAttempt()
    {
        var call = new LlmCall(Capture, ApiCatalog.ChatCompletions, new object(), Tracer.TimeProvider.GetTimestamp());
        call.StartOwnSpan(null);
        using var request = new HttpRequestMessage(HttpMethod.Post, "http://x/v1/chat/completions");
        var attempt = call.AddAttempt(request, Tracer.TimeProvider.GetTimestamp())!;
        using var response = new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("", Encoding.UTF8, "text/event-stream") };
        attempt.SetResponse(response);
        return attempt;
    }
}
