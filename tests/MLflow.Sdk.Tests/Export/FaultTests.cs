using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using MLflow.EndToEnd.Tests.Faults;
using Xunit;

namespace MLflow.Tests.Export;

/// <summary>
/// Servers that misbehave while many threads trace. Whatever they do, each trace that was accepted is in the end stored, on the disk, or counted as dropped.
/// </summary>
public sealed class FaultTests : IDisposable
{
    private const int Threads = 64;
    private const int TracesOfAThread = 10;
    private const int All = Threads * TracesOfAThread;
    private const int DiskBytes = 512 << 10;

    private readonly string _folder = Directory.CreateTempSubdirectory("mlflow-faults-").FullName;

    // What was traced, without keeping it.
    private readonly ConcurrentBag<WeakReference> _traced = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("slow")]
    [InlineData("busy")]
    [InlineData("failing")]
    [InlineData("half-closed")]
    [InlineData("aborted before reading")]
    [InlineData("a page instead of an answer")]
    [InlineData("garbage")]
    [InlineData("unauthorized")]
    [InlineData("redirecting")]
    public async Task Server_MisbehavesAndRecovers_EveryTraceArrives(string fault)
    {
        var left = 5;
        await using var server = await LoopbackServer.StartAsync();
        server.Intercept = (context, request) => Interlocked.Decrement(ref left) >= 0 && request.Path != "/version" ? MisbehaveAsync(context, fault) : Task.FromResult(false);
        await using var client = Client(server.Address);
        var ids = await TraceAsync(client);

        var result = await SettleAsync(client);

        Assert.Equal((All, 0, 0, 0), (result.Exported, result.Pending, result.Spooled, result.Dropped));
        Assert.Equal(ids.Order(), Stored(server).Order());
        AssertHoldsNothing(client);
    }

    [Theory]
    [InlineData("slow")]
    [InlineData("failing")]
    [InlineData("half-closed")]
    [InlineData("unauthorized")]
    public async Task Server_MisbehavesToTheEnd_WhatIsNotStoredIsOnTheDiskOrCounted(string fault)
    {
        await using var server = await LoopbackServer.StartAsync();
        var taken = 0;
        server.Intercept = (context, request) => request.Path == "/v1/traces" && Interlocked.Increment(ref taken) % 3 != 1 ? MisbehaveAsync(context, fault) : Task.FromResult(false);
        var client = Client(server.Address);
        await TraceAsync(client);
        using (var impatient = new CancellationTokenSource(TimeSpan.FromMilliseconds(300)))
        {
            await client.CloseAsync(impatient.Token);
        }

        var result = await client.FlushAsync(Token);
        Assert.Equal((All, 0), (result.Exported + result.Spooled + result.Dropped, result.Pending));
        Assert.True(Stored(server).Count() >= result.Exported);
        AssertHoldsNothing(client);

        server.Intercept = null;
        await using var exporter = new TraceExporter(new SelfLog(new RecordingLog(), TimeProvider.System), TimeProvider.System, _folder);
        Assert.Equal(result.Spooled, (await exporter.SendSpooledAsync(new Uri(server.Address), Token)).Recovered);
        Assert.True(Stored(server).Count() >= result.Exported + result.Spooled);
    }

    [Fact]
    public async Task Server_RejectsSomeSpans_OnlyTheirTracesAreDropped()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Intercept = async (context, request) =>
        {
            if (request.Path != "/v1/traces" || request.Spans.All(span => span.Name != "3"))
            {
                return false;
            }

            // partial_success { rejected_spans: 1, error_message: "no" }
            context.Response.ContentType = "application/x-protobuf";
            await context.Response.Body.WriteAsync((byte[])[0x0A, 6, 0x08, 1, 0x12, 2, (byte)'n', (byte)'o'], Token);
            return true;
        };
        await using var client = Client(server.Address);
        for (var i = 0; i < 6; i++)
        {
            client.StartSpan(i.ToString(System.Globalization.CultureInfo.InvariantCulture)).Dispose();
        }

        var result = await client.FlushAsync(Token);

        FlushAssert.Counts(result, exported: 5, dropped: 1);
        Assert.Contains("rejected 1 spans: no", result.LastError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Flush_CloseAndFailureAtOnce_AllEndAndNothingIsLost()
    {
        await using var server = await LoopbackServer.StartAsync();
        var count = 0;
        server.Intercept = (context, request) => request.Path == "/v1/traces" && Interlocked.Increment(ref count) % 2 == 0 ? MisbehaveAsync(context, "failing") : Task.FromResult(false);
        var client = Client(server.Address);
        var tracing = TraceAsync(client);
        var flushes = Enumerable.Range(0, 20).Select(_ => Task.Run(() => client.FlushAsync(Token), Token)).ToList();
        await tracing;
        await Task.WhenAll(client.DisposeAsync().AsTask(), client.DisposeAsync().AsTask(), Task.WhenAll(flushes)).WaitAsync(TimeSpan.FromSeconds(30), Token);

        var result = await client.FlushAsync(Token);
        Assert.Equal((All, 0), (result.Exported + result.Spooled + result.Dropped, result.Pending));
        Assert.Equal(result.Dropped, result.DroppedBy.Values.Sum());
        AssertHoldsNothing(client);

        // What the closed client left is on the disk, and no more.
        server.Intercept = null;
        await using var exporter = new TraceExporter(new SelfLog(new RecordingLog(), TimeProvider.System), TimeProvider.System, _folder);
        Assert.Equal(result.Spooled, (await exporter.SendSpooledAsync(new Uri(server.Address), Token)).Recovered);
        var ids = await tracing;
        Assert.Subset(ids.ToHashSet(), Stored(server).ToHashSet());
        Assert.InRange(Stored(server).Count(), result.Exported + result.Spooled, All);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Disk_FullOrReadOnly_WhatItTookArrivesAndTheRestIsCounted(bool isReadOnly)
    {
        var command = isReadOnly ? SmallDisk.ReadOnlyCommand(_folder) : SmallDisk.Command(_folder, DiskBytes);
        var port = FreePort.Next();
        using var program = FullDiskProgram.Start(command, $"http://127.0.0.1:{port}", _folder);
        var counts = (await program.StandardOutput.ReadLineAsync(Token))!.Split(' ').Select(text => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture)).ToList();
        await using var server = await LoopbackServer.StartAsync(port);
        await program.StandardInput.WriteLineAsync("send");
        var recovered = int.Parse((await program.StandardOutput.ReadLineAsync(Token))!, System.Globalization.CultureInfo.InvariantCulture);
        await program.WaitForExitAsync(Token);

        const int made = FullDiskProgram.Early + FullDiskProgram.Late;
        var (sum, exported, pending, spooled, dropped, reasons) = (counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]);
        Assert.Equal(made * (made - 1) / 2, sum);
        Assert.Equal((0, 0, made), (exported, pending, spooled + dropped));
        Assert.Equal((dropped, 0), (reasons, counts[6]));

        // A batch that does not fit whole is taken in part, until no trace more fits.
        Assert.InRange(spooled, isReadOnly ? 0 : DiskBytes / 2 / FullDiskProgram.TraceBytes, isReadOnly ? 0 : made - 1);
        Assert.Equal(spooled, recovered);
        Assert.Equal(spooled, Stored(server).Count());
    }

    [Fact]
    public async Task Disk_TakesNoHeadOfAFile_LeavesNoFileAndNoHandle()
    {
        using var program = FullDiskProgram.StartSegments(SmallDisk.Command(_folder, 64 << 10), _folder);

        Assert.Equal($"{FullDiskProgram.SegmentTries} 0 0", await program.StandardOutput.ReadLineAsync(Token));
        await program.WaitForExitAsync(Token);
    }

    [Fact]
    public async Task Threads_SpansFlushesAndAFailingServerAtOnce_EveryTraceIsStoredOrCounted()
    {
        await using var server = await LoopbackServer.StartAsync();
        var requests = 0;
        server.Intercept = (context, request) => request.Path != "/version" && Interlocked.Increment(ref requests) % 3 == 0
            ? MisbehaveAsync(context, (requests % 4) switch { 0 => "failing", 1 => "half-closed", 2 => "busy", _ => "aborted before reading" })
            : Task.FromResult(false);
        await using var client = Client(server.Address);

        var flushes = new ConcurrentBag<Task>();
        var ids = await TraceAsync(client, () => flushes.Add(client.FlushAsync(Token)));
        await Task.WhenAll(flushes);
        server.Intercept = null;
        var result = await SettleAsync(client);

        Assert.Contains(server.Requests, request => request.WasIntercepted);
        Assert.Equal((All, All), (ids.Distinct().Count(), result.Exported + result.Dropped));
        Assert.Equal(result.Dropped, result.DroppedBy.Values.Sum());
        var stored = Stored(server).ToHashSet();
        Assert.Equal(result.Exported, stored.Count);
        Assert.Subset(ids.ToHashSet(), stored);
        AssertHoldsNothing(client);
    }

    [Fact]
    public async Task Burst_100000Spans_AllArriveOrAreCounted()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.TakesFacts = true;
        await using var client = Client(server.Address);
        client.StartSpan("first").Dispose();
        await client.FlushAsync(Token);
        Parallel.For(0, 1000, i =>
        {
            using var root = client.StartSpan("burst");
            _traced.Add(new WeakReference(root.Trace));
            for (var j = 0; j < 99; j++)
            {
                client.StartSpan("step").Dispose();
            }
        });

        var result = await SettleAsync(client);

        Assert.Equal(1001, result.Exported + result.Dropped);
        Assert.Equal(result.Exported, server.To("/v1/traces").SelectMany(r => r.Facts).Count());
        Assert.Equal(0, result.Dropped);
        AssertHoldsNothing(client);
    }

    [Fact]
    public async Task Server_AwayForTenMinutesOfTraffic_EveryTraceArrivesAndMemoryStaysSmall()
    {
        const int seconds = 600;
        const int tracesOfASecond = 10;
        var port = FreePort.Next();
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var client = new MlflowClient(new MlflowClientOptions
        {
            TrackingUri = $"http://127.0.0.1:{port}",
            SpoolDirectory = _folder,
            LoggerFactory = new RecordingLog(),
            TimeProvider = time,
        });
        var most = 0L;
        for (var second = 0; second < seconds; second++)
        {
            for (var i = 0; i < tracesOfASecond; i++)
            {
                using var span = client.StartSpan("s");
                span.SetInputs(new string('x', 10_000));
                _traced.Add(new WeakReference(span.Trace));
            }

            time.Advance(TimeSpan.FromSeconds(1));
            if (second % 50 == 49)
            {
                Assert.Equal(0, (await FlushAsync()).Dropped);
            }

            most = Math.Max(most, client.QueuedBytes);
        }

        await using var server = await LoopbackServer.StartAsync(port);
        FlushResult result;
        var deadline = Environment.TickCount64 + 60_000;
        do
        {
            result = await FlushAsync();
        }
        while (result.Pending + result.Spooled > 0 && Environment.TickCount64 < deadline);

        Assert.Equal((seconds * tracesOfASecond, 0), (result.Exported, result.Dropped));
        Assert.Equal(seconds * tracesOfASecond, Stored(server).Count());

        // 60 MB were traced.
        Assert.InRange(most, 0, 16 << 20);
        AssertHoldsNothing(client);
        Assert.Empty(Directory.GetFiles(_folder));

        // A flush may wait for the next try, whose time comes only if the clock goes on.
        async Task<FlushResult> FlushAsync()
        {
            var flush = client.FlushAsync(Token);
            while (await Task.WhenAny(flush, Task.Delay(500, Token)) != flush)
            {
                time.Advance(RetryPolicy.MaxDelay);
            }

            return await flush;
        }
    }

    [Theory]
    [InlineData(-3)]
    [InlineData(24 * 365)]
    public async Task Clock_Jumps_SpansKeepTheirDuration(int hours)
    {
        var clock = new JumpingClock();
        await using var server = await LoopbackServer.StartAsync();
        await using (var client = Some.Client(server.Address, time: clock))
        {
            using (var root = client.StartSpan("root"))
            {
                _traced.Add(new WeakReference(root.Trace));
                clock.Offset = TimeSpan.FromHours(hours);
                client.StartSpan("child").Dispose();
            }

            FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
            AssertHoldsNothing(client);
        }

        var spans = server.To("/v1/traces").Single().Spans.ToDictionary(span => span.Name);
        Assert.All(spans.Values, span => Assert.InRange(span.EndTimeUnixNano - span.StartTimeUnixNano, 0UL, 60_000_000_000UL));
        Assert.True(spans["child"].StartTimeUnixNano >= spans["root"].StartTimeUnixNano);
        Assert.True(spans["child"].EndTimeUnixNano <= spans["root"].EndTimeUnixNano);
    }

    [Fact]
    public async Task Values_ThatFail_LeaveTheProgramAndTheTraceAlone()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Client(server.Address);
        using (var span = client.StartSpan("odd"))
        {
            span.SetInputs(new Failing());
            span.SetAttribute("self", new Self());
            span.SetAttribute("lone", "\ud800");
            span.SetOutputs(double.NaN);
            span.AddEvent("e", [new("failing", new Failing())]);
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        Assert.Equal("odd", Assert.Single(server.To("/v1/traces").Single().Spans).Name);
    }

    [Fact]
    public async Task Program_AllThatItGaveUsThrows_ItsResultIsItsOwnAndEveryTraceArrives()
    {
        await using var server = await LoopbackServer.StartAsync();
        var left = 3;
        server.Intercept = (context, request) => request.Path == "/v1/traces" && Interlocked.Decrement(ref left) >= 0 ? MisbehaveAsync(context, "failing") : Task.FromResult(false);
        var log = new ThrowingLog();
        var options = new MlflowClientOptions
        {
            TrackingUri = server.Address,
            SpoolDirectory = _folder,
            LoggerFactory = log,
            SamplingRatio = 1,
            Sampler = _ => throw new InvalidOperationException("on purpose"),
            SpanProcessors = { _ => throw new InvalidOperationException("on purpose") },
            Privacy = { Redactor = _ => throw new InvalidOperationException("on purpose") },
        };
        await using var client = new MlflowClient(options);
        var result = 0;
        for (var i = 0; i < 50; i++)
        {
            using var span = client.StartSpan("s");
            _traced.Add(new WeakReference(span.Trace));
            span.SetInputs(new Failing());
            span.SetOutputs("secret " + i);
            result += i;
        }

        var flushed = await SettleAsync(client);

        Assert.Equal(50 * 49 / 2, result);
        Assert.Equal((50, 0), (flushed.Exported, flushed.Dropped));
        AssertHoldsNothing(client);
        Assert.NotEqual(0, flushed.WithheldValues);
        Assert.NotEqual(0, log.Told);
        Assert.Equal(50, Stored(server).Count());
        Assert.DoesNotContain(server.To("/v1/traces"), request => System.Text.Encoding.UTF8.GetString(request.Body).Contains("secret ", StringComparison.Ordinal));
    }

    private static IEnumerable<string> Stored(LoopbackServer server) => server.To("/api/3.0/mlflow/traces").Where(r => r.Method == "POST" && !r.WasIntercepted)
        .Select(r => r.Json.GetProperty("trace").GetProperty("trace_info").GetProperty("trace_id").GetString()!).Distinct();

    private static async Task<bool> MisbehaveAsync(HttpContext context, string fault)
    {
        switch (fault)
        {
            case "slow":
                await Task.Delay(200, context.RequestAborted);
                return false;
            case "busy":
                context.Response.Headers.RetryAfter = "0";
                await LoopbackServer.AnswerAsync(context, 429, """{"error_code":"REQUEST_LIMIT_EXCEEDED","message":"later"}""");
                return true;
            case "failing":
                await LoopbackServer.AnswerAsync(context, 500, "oops", "text/plain");
                return true;
            case "half-closed":
                context.Response.ContentLength = 100;
                await context.Response.WriteAsync("{", context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
                context.Abort();
                return true;
            case "aborted before reading":
                context.Abort();
                return true;
            case "a page instead of an answer":
                await LoopbackServer.AnswerAsync(context, 200, "<html><body>Please sign in</body></html>", "text/html");
                return true;
            case "garbage":
                context.Response.ContentType = "application/x-protobuf";
                await context.Response.Body.WriteAsync((byte[])[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], context.RequestAborted);
                return true;
            case "unauthorized":
                await LoopbackServer.AnswerAsync(context, 401, """{"detail":"token expired"}""");
                return true;
            case "redirecting":
                context.Response.Headers.Location = "/version";
                await LoopbackServer.AnswerAsync(context, 503, "");
                return true;
            default:
                throw new ArgumentOutOfRangeException(nameof(fault), fault, null);
        }
    }

    /// <summary>Traces from as many threads at once, each a thread of its own.</summary>
    /// <param name="client">The client.</param>
    /// <param name="between">What each thread does after each of its traces.</param>
    private async Task<IReadOnlyCollection<string>> TraceAsync(MlflowClient client, Action? between = null)
    {
        var ids = new ConcurrentBag<string>();
        using var start = new Barrier(Threads);
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(_ => Task.Factory.StartNew(
            () =>
            {
                start.SignalAndWait(Token);
                for (var i = 0; i < TracesOfAThread; i++)
                {
                    using (var span = client.StartSpan("s"))
                    {

                        // More than one request holds, together.
                        span.SetInputs(new string('x', 5_000));
                        client.StartSpan("below").Dispose();
                        ids.Add(span.TraceId);
                        _traced.Add(new WeakReference(span.Trace));
                    }

                    between?.Invoke();
                }
            },
            Token,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)));
        return ids;
    }

    private static async Task<FlushResult> SettleAsync(MlflowClient client)
    {
        var deadline = Environment.TickCount64 + 60_000;
        FlushResult result;
        do
        {
            result = await client.FlushAsync(Token);
        }
        while (result.Pending + result.Spooled > 0 && Environment.TickCount64 < deadline);
        return result;
    }

    /// <summary>Memory is as before: no span waits, no bytes of one are kept, and nothing of ours refers to the traces. Figures of the whole process would tell of tests beside this one.</summary>
    private void AssertHoldsNothing(MlflowClient client)
    {
        Assert.Equal((0, 0), (client.QueuedBytes, client.KeptExports));
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.NotEmpty(_traced);

        // That of this flow's last span may be what this flow itself refers to.
        Assert.InRange(_traced.Count(trace => trace.IsAlive), 0, 1);
    }

    private MlflowClient Client(string address) => new(new MlflowClientOptions { TrackingUri = address, SpoolDirectory = _folder, LoggerFactory = new RecordingLog() });

    private sealed class Failing
    {
#pragma warning disable CA1822, CA1065, S3237 // It is there to be read, and to fail.
        public string Value => throw new InvalidOperationException("on purpose");
#pragma warning restore CA1822, CA1065, S3237

        public override string ToString() => throw new InvalidOperationException("on purpose, too");
    }

    private sealed class Self
    {
        public Self Me => this;
    }
}
