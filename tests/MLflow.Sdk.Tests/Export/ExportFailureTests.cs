using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace MLflow.Tests.Export;

/// <summary>What becomes of traces when the server does not play along.</summary>
public sealed class ExportFailureTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Flush_OneTraceOfManyIsRefused_DropsOnlyThatOne()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Intercept = Refuse("/v1/traces", r => r.Spans.Any(s => s.Name == "poison"), 422, """{"detail":"Cannot convert OpenTelemetry span to MLflow span"}""");
        await using var client = Some.Client(server);
        foreach (var name in (string[])["a", "b", "poison", "c", "d"])
        {
            client.StartSpan(name).Dispose();
        }

        var result = await client.FlushAsync(Token);

        FlushAssert.Counts(result, exported: 4, dropped: 1);
        Assert.Equal(("HTTP 422", 1), (result.DroppedBy.Single().Key, result.DroppedBy.Single().Value));
        Assert.Contains("Cannot convert OpenTelemetry span", result.LastError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Flush_FactsOfOneTraceAreRefused_DropsOnlyThatOne()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Intercept = Refuse("/api/3.0/mlflow/traces", r => r.Json.GetRawText().Contains("poison", StringComparison.Ordinal), 400, """{"error_code":"INVALID_PARAMETER_VALUE","message":"no such thing"}""");
        await using var client = Some.Client(server);
        client.StartSpan("fine").Dispose();
        client.StartSpan("poison").Dispose();

        var result = await client.FlushAsync(Token);

        FlushAssert.Counts(result, exported: 1, dropped: 1);
        Assert.Contains("no such thing", result.LastError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Flush_ServerErrorsForOneTraceOnly_GivesThatOneUpInTheEnd()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Intercept = Refuse("/v1/traces", r => r.Spans.Any(s => s.Name == "poison"), 500, "oops");
        await using var client = Some.Client(server);
        client.StartSpan("fine").Dispose();
        client.StartSpan("poison").Dispose();

        FlushResult result;
        do
        {
            result = await client.FlushAsync(Token);
        }
        while (result.Pending > 0);

        FlushAssert.Counts(result, exported: 1, dropped: 1);
        Assert.Equal("HTTP 500", result.DroppedBy.Single().Key);
    }

    [Fact]
    public async Task Flush_LongRetryAfter_ReturnsPendingAndDoesNotAskAgain()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Intercept = async (context, request) =>
        {
            if (request.Path != "/v1/traces")
            {
                return false;
            }

            context.Response.Headers.RetryAfter = "120";
            await LoopbackServer.AnswerAsync(context, StatusCodes.Status503ServiceUnavailable, "later");
            return true;
        };
        await using var client = Some.Client(server);
        client.StartSpan("x").Dispose();

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 0, pending: 1);
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 0, pending: 1);
        Assert.Single(server.To("/v1/traces"));
    }

    /// <summary>The failure of a request that was under way sets the time of the next try, which nobody must wait for.</summary>
    [Fact]
    public async Task Flush_WhileARequestFails_TriesAgainAtOnce()
    {
        await using var server = await LoopbackServer.StartAsync();
        var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var refusals = 1;
        server.Intercept = async (context, request) =>
        {
            if (request.Path != "/v1/traces" || Interlocked.Decrement(ref refusals) < 0)
            {
                return false;
            }

            await answer.Task;
            context.Abort();
            return true;
        };

        // A clock that stands still: no wait ends by itself.
        await using var client = Some.Client(server.Address, time: new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56)));
        client.StartSpan("x").Dispose();
        var underWay = server.NextAsync("/v1/traces");
        var first = client.FlushAsync(Token);
        await underWay;
        var second = client.FlushAsync(Token);
        answer.SetResult();

        await Task.WhenAll(first, second).WaitAsync(TimeSpan.FromSeconds(30), Token);
        FlushAssert.Counts(await second, exported: 1);
    }

    [Fact]
    public async Task Worker_ServerStartsLater_SendsWithoutAFlush()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56));
        var log = new RecordingLog();
        var port = FreePort.Next();
        await using var client = Some.Client($"http://127.0.0.1:{port}", log: log, time: time);
        client.StartSpan("early").Dispose();
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 0, pending: 1);
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 0, pending: 1);

        await using var server = await LoopbackServer.StartAsync(port);
        var came = server.NextAsync("/api/3.0/mlflow/traces");
        do
        {
            // Again where the worker had not set its timer yet, but not at once: requests, too, have their time by this clock.
            time.Advance(RetryPolicy.MaxDelay + TimeSpan.FromSeconds(1));
        }
        while (await Task.WhenAny(came, Task.Delay(TimeSpan.FromSeconds(5), Token)) != came);

        await came;

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        var line = Assert.Single(log.Lines);
        Assert.Contains($"http://127.0.0.1:{port}", line, StringComparison.Ordinal);
        Assert.Contains("dotnet mlflow server", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Flush_SomethingElseListens_SendsNothingToIt()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Version = "<html>Welcome to Kestrel 1.2</html>";
        await using var client = Some.Client(server);
        client.StartSpan("private").Dispose();

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 0, pending: 1);
        Assert.All(server.Requests, r => Assert.Equal("/version", r.Path));
    }

    [Fact]
    public async Task Flush_OneServerAway_TheOtherGetsItsTraces()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Some.Client($"http://127.0.0.1:{FreePort.Next()}");
        client.StartSpan("to nobody").Dispose();
        client.SetTrackingUri(server.Address);
        client.StartSpan("to somebody").Dispose();

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1, pending: 1);
        Assert.Equal("to somebody", server.To("/v1/traces").Single().Spans.Single().Name);
    }

    [Fact]
    public async Task Flush_ExperimentDeleted_DropsWithAReason()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.AddExperiment("old", "4");
        server.Deleted.Add("old");
        await using var client = Some.Client(server, experiment: "old");
        client.StartSpan("x").Dispose();

        var result = await client.FlushAsync(Token);

        FlushAssert.Counts(result, exported: 0, dropped: 1);
        Assert.Equal(DropReasons.ExperimentDeleted, result.DroppedBy.Single().Key);
        Assert.Contains("'old'", result.LastError, StringComparison.Ordinal);
        Assert.Empty(server.To("/v1/traces"));
    }

    [Fact]
    public async Task Flush_ExperimentCreatedByAnotherMeanwhile_UsesThatOne()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.RacesOnCreate = true;
        await using var client = Some.Client(server, experiment: "raced");
        client.StartSpan("x").Dispose();

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        Assert.Equal("1", server.To("/v1/traces").Single().Header("x-mlflow-experiment-id"));
    }

    [Fact]
    public async Task Flush_ServerLostTheExperiment_CreatesItAgain()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Some.Client(server, experiment: "dev");
        client.StartSpan("before").Dispose();
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        server.LoseExperiments();
        server.AddExperiment("other", "8");
        server.Intercept = Refuse("/v1/traces", r => r.Header("x-mlflow-experiment-id") == "1", 404, """{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"No Experiment with id=1 exists"}""");
        client.StartSpan("after").Dispose();

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 2);
        Assert.Equal("2", server.To("/v1/traces").Last().Header("x-mlflow-experiment-id"));
    }

    [Fact]
    public async Task Dispose_ServerAway_CountsAndReportsWhatIsLeftAndDropsWhatComesLater()
    {
        var log = new RecordingLog();
        var client = Some.Client($"http://127.0.0.1:{FreePort.Next()}", log: log);
        client.StartSpan("x").Dispose();
        await client.DisposeAsync();
        client.StartSpan("too late").Dispose();

        var result = await client.FlushAsync(Token);

        FlushAssert.Counts(result, exported: 0, dropped: 2);
        Assert.Equal(2, result.DroppedBy[DropReasons.Stopped]);
        Assert.Contains(log.Lines, l => l.StartsWith("1 trace was not sent before the program ended", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Enqueue_QueueFull_DropsAndCounts()
    {
        await using var client = Some.Client($"http://127.0.0.1:{FreePort.Next()}");
        var text = new string('x', 4 << 20);
        for (var i = 0; i < 20; i++)
        {
            using var span = client.StartSpan("large");
            span.SetInputs(text);
        }

        var result = await client.FlushAsync(Token);

        // 64 MiB are the budget. Each takes 8 MiB of it until the worker has encoded it, and 4 MiB then.
        Assert.InRange(result.Pending, 7, 15);
        FlushAssert.Counts(result, exported: 0, pending: result.Pending, dropped: 20 - result.Pending);
        Assert.Equal(20 - result.Pending, result.DroppedBy[DropReasons.QueueFull]);
    }

    [Fact]
    public async Task Enqueue_WorkerCannotStart_CountsTheTraceAsDroppedAndGoesOn()
    {
        await using var server = await LoopbackServer.StartAsync();
        var clock = new TimerlessClock { Fails = true };
        await using var client = Some.Client(server.Address, time: clock);
        client.StartSpan("lost").Dispose();

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 0, dropped: 1);
        Assert.Equal(0, client.QueuedBytes);

        clock.Fails = false;
        client.StartSpan("next").Dispose();
        var result = await client.FlushAsync(Token);
        FlushAssert.Counts(result, exported: 1, dropped: 1);
        Assert.Equal(DropReasons.Failed, Assert.Single(result.DroppedBy).Key);
    }

    [Fact]
    public async Task Flush_Cancelled_ThrowsAndKeepsTheTraces()
    {
        await using var server = await LoopbackServer.StartAsync();
        var goOn = new TaskCompletionSource();
        server.Intercept = async (_, _) =>
        {
            await goOn.Task;
            return false;
        };
        await using var client = Some.Client(server);
        client.StartSpan("x").Dispose();
        using var cancel = new CancellationTokenSource();
        var flush = client.FlushAsync(cancel.Token);
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => flush);
        goOn.SetResult();
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
    }

    private static Func<HttpContext, RecordedRequest, Task<bool>> Refuse(string path, Func<RecordedRequest, bool> which, int status, string body) => async (context, request) =>
    {
        if (request.Path != path || !which(request))
        {
            return false;
        }

        await LoopbackServer.AnswerAsync(context, status, body);
        return true;
    };

    /// <summary>A clock of the program's, whose timers fail.</summary>
    private sealed class TimerlessClock : TimeProvider
    {
        public bool Fails { get; set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            Fails ? throw new InvalidOperationException("on purpose") : base.CreateTimer(callback, state, dueTime, period);
    }
}
