using System.ClientModel;
using System.ClientModel.Primitives;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

public sealed class PendingCallsTests : CaptureTestBase
{
    private readonly FakeTimeProvider _clock = new();
    private readonly List<LlmCall> _closed = [];

    [Fact]
    public void Parked_UntilItsDeadline_IsClosedThen()
    {
        using var pending = new PendingCalls(_clock, _closed.Add);
        var call = FailedCall();
        pending.Park(call, TimeSpan.FromSeconds(2));

        _clock.Advance(TimeSpan.FromSeconds(1.9));
        Assert.Empty(_closed);
        _clock.Advance(TimeSpan.FromSeconds(0.2));

        Assert.Same(call, Assert.Single(_closed));
        pending.CloseAll();
        Assert.Single(_closed);
    }

    [Fact]
    public void Parked_TakenForItsNextTry_IsNotClosed()
    {
        using var pending = new PendingCalls(_clock, _closed.Add);
        var call = FailedCall();
        pending.Park(call, TimeSpan.FromSeconds(2));

        Assert.Same(call, pending.Take(call.RetryKey));
        Assert.Null(pending.Take(call.RetryKey));
        _clock.Advance(TimeSpan.FromSeconds(10));

        Assert.Empty(_closed);
    }

    [Fact]
    public void Parked_OneAfterTheOther_AreClosedEachAtItsDeadline()
    {
        using var pending = new PendingCalls(_clock, _closed.Add);
        var late = FailedCall();
        var early = FailedCall();
        pending.Park(late, TimeSpan.FromSeconds(5));
        pending.Park(early, TimeSpan.FromSeconds(1));

        _clock.Advance(TimeSpan.FromSeconds(1.1));
        Assert.Same(early, Assert.Single(_closed));
        _clock.Advance(TimeSpan.FromSeconds(4));

        Assert.Equal([early, late], _closed);
    }

    [Fact]
    public void Parked_WhenItsExceptionIsSeen_IsClosedSoon()
    {
        using var pending = new PendingCalls(_clock, _closed.Add);
        var call = FailedCall();
        pending.Park(call, TimeSpan.FromSeconds(60));

        pending.SetException(call.Last.Request!, new InvalidOperationException("seen"));
        _clock.Advance(PendingCalls.StackWait);

        Assert.Equal("seen", Assert.Single(_closed).Last.ThrownForResponse!.Message);
    }

    [Fact]
    public void Parked_MoreThanTheBound_AreClosedAtOnce()
    {
        using var pending = new PendingCalls(_clock, _closed.Add);
        for (var i = 0; i < PendingCalls.MaxCalls; i++)
        {
            pending.Park(FailedCall(), TimeSpan.FromSeconds(60));
        }

        Assert.Empty(_closed);
        pending.Park(FailedCall(), TimeSpan.FromSeconds(60));

        Assert.Single(_closed);
        pending.CloseAll();
        Assert.Equal(PendingCalls.MaxCalls + 1, _closed.Count);
    }

    [Theory]
    [InlineData(1, 429, null, 2.0)]
    [InlineData(2, 503, null, 3.0)]
    [InlineData(3, 500, null, 5.0)]
    [InlineData(1, 429, "10", 13.5)]
    [InlineData(1, 429, "86400", 120.0)]
    [InlineData(4, 429, "10", 1.0)]
    [InlineData(1, 401, "10", 1.0)]
    [InlineData(1, 307, null, 2.0)]
    public void Wait_AfterATry_IsThePackagesOwnAndASecond(int number, int status, string? retryAfter, double seconds)
    {
        var call = FailedCall();
        while (call.Attempts.Count < number)
        {
            call.AddAttempt(new HttpRequestMessage(), 0);
        }

        using var response = new HttpResponseMessage((System.Net.HttpStatusCode)status);
        if (retryAfter is not null)
        {
            response.Headers.TryAddWithoutValidation("Retry-After", retryAfter);
        }

        call.Last.SetResponse(response);

        Assert.Equal(seconds, PendingCalls.WaitAfter(call.Last).TotalSeconds, 3);
    }

    [Fact]
    public void Call_Closed_KeepsNothingOfTheProgramButTheAddress()
    {
        var call = FailedCall();
        using var request = new HttpRequestMessage(HttpMethod.Put, "http://127.0.0.1/v1/files");
        var attempt = call.AddAttempt(request, 0)!;

        // The program's content is not back in its place yet: the request must be found.
        attempt.OriginalContent = new StringContent("");
        call.ForgetRequests();
        Assert.Same(request, attempt.Request);

        attempt.OriginalContent = null;
        call.ForgetRequests();
        Assert.Null(attempt.Request);
        Assert.Same(call, call.RetryKey);
        Assert.Equal((HttpMethod.Put, request.RequestUri), (attempt.Method, attempt.Url));
    }

    [Fact]
    public async Task Worker_WithoutRoom_SaysNo()
    {
        using var goOn = new ManualResetEventSlim();
        using var started = new ManualResetEventSlim();
        using var worker = new RecordingWorker(_ =>
        {
            started.Set();
            goOn.Wait(Token);
        });
        Assert.True(worker.TryEnqueue(FailedCall()));
        started.Wait(Token);
        var call = FailedCall();
        for (var i = 0; i < RecordingWorker.Capacity; i++)
        {
            Assert.True(worker.TryEnqueue(call));
        }

        Assert.False(worker.TryEnqueue(call));
        goOn.Set();
        await worker.DrainAsync(isInPlace: false, Token);
        Assert.True(worker.TryEnqueue(call));
        await worker.DrainAsync(isInPlace: false, Token);
    }

    /// <summary>Hundreds of calls may wait to be recorded while the program has long gone on.</summary>
    [Fact]
    public void Call_WaitsToBeRecorded_KeepsNothingOfTheProgram()
    {
        var call = new LlmCall(Capture, ApiCatalog.ChatCompletions, new object(), 0);
        call.StartOwnSpan(null);
        var ofProgram = Send(call);

        call.ForgetRequests();

        GC.Collect();
        Assert.All(ofProgram, pair => Assert.False(pair.Value.IsAlive, pair.Key));
        GC.KeepAlive(call);
    }

    /// <summary>The program's end closes calls that its threads are still making.</summary>
    [Fact]
    public void Policy_CallClosedMeanwhile_LeavesTheProgramItsOwnBody()
    {
        var options = new ClientPipelineOptions();
        var message = ClientPipeline.Create(options).CreateMessage();
        message.Request.Method = "POST";
        message.Request.Uri = new Uri("http://127.0.0.1/v1/chat/completions");
        var body = BinaryContent.Create(BinaryData.FromString("{}"));
        message.Request.Content = body;
        var call = Capture.Hold(message.Request, isAsync: false)!;
        Assert.NotSame(body, message.Request.Content);

        call.ForgetRequests();
        Capture.Release(call, null, message.Request, new InvalidOperationException());

        Assert.Same(body, message.Request.Content);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Dictionary<string, WeakReference> Send(LlmCall call)
    {
        var body = BinaryContent.Create(BinaryData.FromString("{}"));
        var seen = new HttpRequestMessage();
        var attempt = call.AddAttempt(seen, 0);
        (call.SentContent, call.PolicyRequest, call.PolicyAttempt) = (new TeeBinaryContent(body, call, isAsync: false), seen, call.NewAttempt(0));
        return new() { ["body"] = new(body), ["request"] = new(seen), ["try"] = new(call.PolicyAttempt) };
    }

    [Fact]
    public void Budget_UsedUp_CutsBodiesUntilMemoryComesBack()
    {
        var budget = new CaptureBudget(4096);
        var first = new BodyCapture(budget, 1 << 20, keepsMarks: false);
        var second = new BodyCapture(budget, 1 << 20, keepsMarks: false);

        first.Append(new byte[4096], 1);
        second.Append(new byte[10], 1);
        Assert.False(first.IsCut);
        Assert.True(second.IsCut);
        Assert.Equal(0, second.Length);

        first.Take().Dispose();
        Assert.Equal(0, budget.Held);
        var third = new BodyCapture(budget, 1 << 20, keepsMarks: false);
        third.Append(new byte[10], 1);
        Assert.False(third.IsCut);
    }

    [Fact]
    public void Body_AppendedInPieces_ComesBackWhole()
    {
        var budget = new CaptureBudget();
        var capture = new BodyCapture(budget, 300_000, keepsMarks: true);
        var bytes = Enumerable.Range(0, 400_000).Select(i => (byte)(i * 7)).ToArray();
        for (var (at, size) = (0, 1); at < bytes.Length; at += size, size = (size * 3 % 4999) + 1)
        {
            capture.Append(bytes.AsSpan(at, Math.Min(size, bytes.Length - at)), at + 1);
        }

        using (var body = capture.Take())
        {
            Assert.True(capture.IsCut);
            Assert.True(body.Bytes.SequenceEqual(bytes.AsSpan(0, 300_000)));
            foreach (var mark in body.Marks)
            {
                Assert.Equal(mark.Offset + 1, mark.Time);
            }
        }

        Assert.Equal(0, budget.Held);
        Assert.True(capture.Take().Bytes.IsEmpty);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Body_Packed_ComesBackWholeWithItsTimes(bool isText)
    {
        var budget = new CaptureBudget();
        var capture = new BodyCapture(budget, 300_000, keepsMarks: true) { Packs = true };
        var bytes = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 4000).Select(i => $"data: {{\"id\":\"chatcmpl-1\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{i}\"}}}}]}}\n\n")));
        if (!isText)
        {
            new Random(1).NextBytes(bytes);
        }

        for (var (at, size) = (0, 1); at < bytes.Length; at += size, size = (size * 3 % 4999) + 1)
        {
            capture.Append(bytes.AsSpan(at, Math.Min(size, bytes.Length - at)), at + 1);
        }

        // Half of it is not worth packing.
        Assert.Equal(isText, budget.Held < 300_000 / 4);
        Assert.True(capture.HeadContains(bytes.AsSpan(0, 100)));
        Assert.Equal(bytes[0], capture.FirstByte);
        using (var copy = capture.Copy())
        {
            Assert.True(copy.Bytes.SequenceEqual(bytes.AsSpan(0, 300_000)));
        }

        using (var body = capture.Take())
        {
            Assert.True(capture.IsCut);
            Assert.True(body.Bytes.SequenceEqual(bytes.AsSpan(0, 300_000)));
            foreach (var mark in body.Marks)
            {
                Assert.Equal(mark.Offset + 1, mark.Time);
            }
        }

        Assert.Equal(0, budget.Held);
        var small = new BodyCapture(budget, 300_000, keepsMarks: true) { Packs = true };
        small.Append(bytes.AsSpan(0, 100_000), 1);
        small.Discard();
        Assert.Equal(0, budget.Held);
    }

    private LlmCall FailedCall()
    {
        var call = new LlmCall(Capture, ApiCatalog.ChatCompletions, new object(), 0);
        call.StartOwnSpan(null);
        call.AddAttempt(new HttpRequestMessage(), 0);
        return call;
    }
}
