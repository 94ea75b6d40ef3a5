using System.Diagnostics;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace MLflow.Tests.Export;

/// <summary>What becomes of traces whose server is away: real files, real processes, real sockets.</summary>
public sealed class SpoolTests : IDisposable
{
    private readonly string _folder = Path.Combine(Directory.CreateTempSubdirectory("mlflow-spool-").FullName, "spool");
    private readonly RecordingLog _log = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string[] Files => Directory.Exists(_folder) ? [.. Directory.GetFiles(_folder, "*.spool").Order(StringComparer.Ordinal)] : [];

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_folder)!, recursive: true);

    [Fact]
    public async Task ServerAway_TracesGoToTheDisk_AndArriveWhenItComes()
    {
        var port = FreePort.Next();
        await using var client = Client(Address(port));
        var ids = Trace(client, 20);
        await UntilAsync(client, result => result.Spooled == 20);
        Assert.NotEmpty(Files);

        await using var server = await LoopbackServer.StartAsync(port);
        var result = await client.FlushAsync(Token);

        Assert.Equal((20, 0, 0, 0), (result.Exported, result.Pending, result.Spooled, result.Dropped));
        Assert.Equal(ids.Order(), server.To("/api/3.0/mlflow/traces").Select(Id).Distinct().Order());
        Assert.Empty(Files);
    }

    [Fact]
    public async Task Closed_ServerAway_TheNextClientSendsWhatIsLeft()
    {
        var port = FreePort.Next();
        string[] ids;
        await using (var first = Client(Address(port), "before"))
        {
            ids = Trace(first, 3);
        }

        Assert.Contains(_log.Lines, line => line.Contains("3 traces were not sent before the program ended", StringComparison.Ordinal) && line.Contains(_folder, StringComparison.Ordinal));
        await using var server = await LoopbackServer.StartAsync(port);
        await using var second = Client(Address(port), "after");
        Trace(second, 1);
        await UntilAsync(second, result => result.Recovered == 3);

        Assert.Equal(1, (await second.FlushAsync(Token)).Exported);
        Assert.Superset(ids.ToHashSet(), server.To("/api/3.0/mlflow/traces").Select(Id).ToHashSet());
        Assert.Equal(["after", "before"], server.To("/api/2.0/mlflow/experiments/create").Select(r => r.Json.GetProperty("name").GetString()).Order());
        Assert.Empty(Files);
    }

    [Fact]
    public async Task Left_ForOneServer_IsNotSentToAnother()
    {
        await using (var first = Client(Address(FreePort.Next())))
        {
            Trace(first, 2);
        }

        await using var server = await LoopbackServer.StartAsync();
        await using var second = Client(server.Address);
        Trace(second, 1);
        var result = await second.FlushAsync(Token);
        Trace(second, 1);
        result = await second.FlushAsync(Token);

        Assert.Equal((2, 0), (result.Exported, result.Recovered));
        Assert.Single(Files);
    }

    [Fact]
    public async Task Left_Credentials_AreNotInTheFile()
    {
        await using (var client = Client($"http://user:hunter2@127.0.0.1:{FreePort.Next()}"))
        {
            Trace(client, 1);
        }

        var text = await File.ReadAllTextAsync(Assert.Single(Files), Token);
        Assert.Contains("http://127.0.0.1:", text, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Left_OnlyTheUserMayRead()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Modes are Unix's.");
#pragma warning disable CA1416 // Skipped there.
        Directory.CreateDirectory(_folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        await LeaveAsync(FreePort.Next(), 1);

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_folder));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Assert.Single(Files)));
#pragma warning restore CA1416
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(200)]
    public async Task Left_CutInTheLastRecord_TheOthersArrive(int bytes)
    {
        var port = FreePort.Next();
        await LeaveAsync(port, 5);
        await using (var file = new FileStream(Assert.Single(Files), FileMode.Open))
        {
            file.SetLength(file.Length - bytes);
        }

        Assert.Equal(4, await RecoverAsync(port, 4));
        Assert.Contains(_log.Lines, line => line.Contains("no whole traces", StringComparison.Ordinal));
        Assert.Empty(Files);
    }

    [Fact]
    public async Task Left_AnyByteChanged_NothingWrongIsSentAndNothingThrows()
    {
        var port = FreePort.Next();
        await LeaveAsync(port, 3);
        var path = Assert.Single(Files);
        var whole = await File.ReadAllBytesAsync(path, Token);
        for (var at = 0; at < whole.Length; at += 97)
        {
            var changed = (byte[])whole.Clone();
            changed[at] ^= 0x41;
            await File.WriteAllBytesAsync(path, changed, Token);
            var memory = new ExportMemory();
            using var spool = new TraceSpool(_folder, TraceSpool.DefaultMaxBytes, memory, new SelfLog(_log, TimeProvider.System), TimeProvider.System);
            spool.Adopt(new Uri(Address(port)));

            // Records before the changed byte are whole, and no record behind it is believed.
            var records = spool.Read(new Uri(Address(port)), long.MaxValue, new HashSet<TraceDestination>());
            Assert.InRange(records.Count, 0, 2);
            Assert.All(records, record => Assert.True(record.Offset + record.Encoded.Size < at));
        }
    }

    [Fact]
    public async Task Spool_Full_TheRestWaitsInMemoryAndIsCountedWhenItIsDropped()
    {
        var client = new MlflowClient(new MlflowClientOptions { TrackingUri = Address(FreePort.Next()), SpoolDirectory = _folder, SpoolMaxBytes = 2000, LoggerFactory = _log });
        Trace(client, 1);
        await UntilAsync(client, result => result.Spooled == 1);
        Trace(client, 40);
        await client.DisposeAsync();

        var result = await client.FlushAsync(Token);
        Assert.Equal((1, 40, 0), (result.Spooled, result.Dropped, result.Pending));
        Assert.Contains(_log.Lines, line => line.Contains("is full", StringComparison.Ordinal));
        Assert.InRange(Files.Sum(file => new FileInfo(file).Length), 1, 2000);
    }

    [Fact]
    public async Task Spool_RoomForAPartOfWhatIsLeft_TakesThatPart()
    {
        const int room = 30_000;
        var client = new MlflowClient(new MlflowClientOptions { TrackingUri = Address(FreePort.Next()), SpoolDirectory = _folder, SpoolMaxBytes = room, LoggerFactory = _log });
        for (var i = 0; i < 40; i++)
        {
            using var span = client.StartSpan("s");
            span.SetInputs(new string('x', 2000));
        }

        await client.DisposeAsync();

        var result = await client.FlushAsync(Token);
        var bytes = new FileInfo(Assert.Single(Files)).Length;
        Assert.Equal((40, 0), (result.Spooled + result.Dropped, result.Pending));
        Assert.InRange(result.Spooled, 5, 39);
        Assert.InRange(bytes, room - (bytes / result.Spooled), room);
        Assert.Equal(result.Dropped, result.DroppedBy.Values.Sum());
    }

    [Fact]
    public async Task Closed_TraceOfSeveralParts_CountsAsOneThatWaits()
    {
        var port = FreePort.Next();
        var client = Client(Address(port));
        using (client.StartSpan("root"))
        {
            for (var i = 0; i < 3 * ActiveTrace.MaxHeldSpans; i++)
            {
                client.StartSpan("step").Dispose();
            }
        }

        await client.DisposeAsync();

        var result = await client.FlushAsync(Token);
        Assert.Equal((0, 1, 0, 0), (result.Exported, result.Spooled, result.Dropped, result.Pending));
        Assert.Equal(1, await RecoverAsync(port, 1));
    }

    /// <summary>A small one behind one that is too large: it is not lost with it.</summary>
    [Fact]
    public async Task Spool_OneDoesNotFit_TheOthersDo()
    {
        var client = new MlflowClient(new MlflowClientOptions { TrackingUri = Address(FreePort.Next()), SpoolDirectory = _folder, SpoolMaxBytes = 60_000, LoggerFactory = _log });
        for (var i = 0; i < 9; i++)
        {
            using var span = client.StartSpan("s");
            span.SetInputs(new string('x', i == 4 ? 60_000 : 2000));
        }

        await client.DisposeAsync();

        var result = await client.FlushAsync(Token);
        Assert.Equal((8, 1), (result.Spooled, result.Dropped));
    }

    [Fact]
    public async Task Spool_FullAMomentBeforeTheEnd_IsTriedAgainAtTheEnd()
    {
        Directory.CreateDirectory(_folder);
        var others = Path.Combine(_folder, "others" + TraceSpool.Extension);
        await File.WriteAllBytesAsync(others, new byte[60_000], Token);
        var client = new MlflowClient(new MlflowClientOptions { TrackingUri = Address(FreePort.Next()), SpoolDirectory = _folder, SpoolMaxBytes = 60_000, LoggerFactory = _log });
        Trace(client, 2);
        await UntilAsync(client, _ => _log.Lines.Any(line => line.Contains("is full", StringComparison.Ordinal)));

        File.Delete(others);
        await client.DisposeAsync();

        var result = await client.FlushAsync(Token);
        Assert.Equal((2, 0), (result.Spooled, result.Dropped));
    }

    [Fact]
    public async Task Spool_FolderIsAFile_TracesAreDroppedAndCounted()
    {
        await File.WriteAllTextAsync(_folder, "not a folder", Token);
        var client = Client(Address(FreePort.Next()));
        Trace(client, 3);
        await client.DisposeAsync();

        Assert.Equal((0, 3), ((await client.FlushAsync(Token)).Spooled, (await client.FlushAsync(Token)).Dropped));
        Assert.Contains(_log.Lines, line => line.Contains("cannot be put into the spool", StringComparison.Ordinal));
        Assert.Equal("not a folder", await File.ReadAllTextAsync(_folder, Token));
    }

    [Fact]
    public async Task Spool_InUseByALivingProcess_IsLeftAlone()
    {
        var port = FreePort.Next();
        await using var first = Client(Address(port));
        Trace(first, 2);
        await UntilAsync(first, result => result.Spooled == 2);

        var memory = new ExportMemory();
        using var spool = new TraceSpool(_folder, TraceSpool.DefaultMaxBytes, memory, new SelfLog(_log, TimeProvider.System), TimeProvider.System);
        spool.Adopt(new Uri(Address(port)));
        Assert.False(spool.HasAny(new Uri(Address(port)), ownOnly: false));

        await using var server = await LoopbackServer.StartAsync(port);
        Assert.Equal(2, (await first.FlushAsync(Token)).Exported);
    }

    [Fact]
    public async Task Program_KilledWithServerAway_LeavesWholeTraces()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "kill is Unix's.");
        var port = FreePort.Next();
        using var program = SpoolingProgram.Start(Address(port), _folder);
        Assert.Equal(SpoolingProgram.Ready, await program.StandardOutput.ReadLineAsync(Token));
        using (var kill = Process.Start("kill", ["-9", program.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync(Token);
        }

        await program.WaitForExitAsync(Token);
        Assert.NotEmpty(Files);
        Assert.Equal(SpoolingProgram.Traces, await RecoverAsync(port, SpoolingProgram.Traces));
        Assert.Empty(Files);
    }

    [Fact]
    public async Task Program_KilledInTheMiddleOfABatch_LosesNothingThatWasOnTheDisk()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "kill is Unix's.");
        var port = FreePort.Next();
        using var program = SpoolingProgram.Start(Address(port), _folder);
        Assert.Equal(SpoolingProgram.Ready, await program.StandardOutput.ReadLineAsync(Token));

        // The server has the spans, and the program has no answer.
        await using var server = await LoopbackServer.StartAsync(port);
        server.Intercept = async (context, request) =>
        {
            if (request.Path == "/v1/traces")
            {
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            }

            return false;
        };
        var sending = server.NextAsync("/v1/traces");
        await program.StandardInput.WriteLineAsync("send");
        var half = await sending;
        using (var kill = Process.Start("kill", ["-9", program.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync(Token);
        }

        await program.WaitForExitAsync(Token);
        Assert.NotEmpty(half.Spans);
        server.Intercept = null;
        await using var exporter = new TraceExporter(new SelfLog(_log, TimeProvider.System), TimeProvider.System, _folder);
        var result = await exporter.SendSpooledAsync(new Uri(Address(port)), Token);

        Assert.Equal((SpoolingProgram.Traces, 0, 0), (result.Recovered, result.Dropped, result.Pending));
        Assert.Equal(SpoolingProgram.Traces, server.To("/api/3.0/mlflow/traces").Count());
        Assert.Empty(Files);
    }

    [Fact]
    public async Task Left_TooLongButServerTakesIt_Arrives()
    {
        var port = FreePort.Next();
        await LeaveAsync(port, 2);
        Age(Assert.Single(Files));

        await using var server = await LoopbackServer.StartAsync(port);
        await using var client = Client(Address(port));
        Trace(client, 1);
        await UntilAsync(client, _ => Files.Length == 0);

        Assert.Equal(2, (await client.FlushAsync(Token)).Recovered);
    }

    [Fact]
    public async Task Left_TooLongAndTriedInVain_IsDeletedAndSaid()
    {
        var port = FreePort.Next();
        await LeaveAsync(port, 2);
        Age(Assert.Single(Files));

        await using var server = await LoopbackServer.StartAsync(port);
        var tries = 0;
        server.Intercept = async (context, request) =>
        {
            if (request.Path != "/v1/traces" || Interlocked.Increment(ref tries) == 1)
            {
                return false;
            }

            await LoopbackServer.AnswerAsync(context, 401, """{"detail":"token expired"}""");
            return true;
        };
        await using var client = Client(Address(port));
        Trace(client, 1);
        await UntilAsync(client, _ => Files.Length == 0);

        Assert.Equal((1, 0), ((await client.FlushAsync(Token)).Exported, (await client.FlushAsync(Token)).Recovered));
        Assert.Contains(_log.Lines, line => line.Contains("was not sent for 7 days", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Spooled_ClockJumpsByWeeks_TracesStillArrive()
    {
        var port = FreePort.Next();
        var clock = new JumpingClock();
        await LeaveAsync(port, 3);
        await using var client = new MlflowClient(new MlflowClientOptions { TrackingUri = Address(port), SpoolDirectory = _folder, LoggerFactory = _log, TimeProvider = clock });
        Trace(client, 2);
        await UntilAsync(client, result => result.Spooled == 2);

        clock.Offset = TimeSpan.FromDays(30);
        await using var server = await LoopbackServer.StartAsync(port);
        await UntilAsync(client, result => result is { Exported: 2, Recovered: 3 });

        Assert.Equal((0, 0), ((await client.FlushAsync(Token)).Dropped, (await client.FlushAsync(Token)).Spooled));
        Assert.Empty(Files);
    }

    [Fact]
    public async Task Spooled_ServerAwayForMoreThanAWeek_IsGivenUpAndCounted()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var client = new MlflowClient(new MlflowClientOptions { TrackingUri = Address(FreePort.Next()), SpoolDirectory = _folder, LoggerFactory = _log, TimeProvider = time });
        Trace(client, 2);
        await UntilAsync(client, result => result.Spooled == 2, () => time.Advance(RetryPolicy.MaxDelay));

        time.Advance(TraceSpool.MaxAge + TimeSpan.FromHours(1));
        await UntilAsync(client, result => result.Dropped == 2, () => time.Advance(RetryPolicy.MaxDelay));

        Assert.Empty(Files);
    }

    /// <summary>Left for servers that no program traces to any more.</summary>
    [Fact]
    public async Task Spool_Full_WhatIsLeftTooLongForOthersGivesWay()
    {
        await LeaveAsync(FreePort.Next(), 2);
        Age(Assert.Single(Files));
        await LeaveAsync(FreePort.Next(), 2);
        var young = Files.Single(file => !IsAged(file));
        var client = new MlflowClient(new MlflowClientOptions
        {
            TrackingUri = Address(FreePort.Next()),
            SpoolDirectory = _folder,
            SpoolMaxBytes = Files.Sum(file => new FileInfo(file).Length) + 100,
            LoggerFactory = _log,
        });
        Trace(client, 1);
        await client.DisposeAsync();

        Assert.Equal(1, (await client.FlushAsync(Token)).Spooled);
        Assert.Contains(young, Files);
        Assert.DoesNotContain(Files, IsAged);
    }

    [Fact]
    public async Task Server_WantsCredentials_TracesWaitOnTheDisk()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Intercept = async (context, request) =>
        {
            if (request.Path != "/v1/traces")
            {
                return false;
            }

            await LoopbackServer.AnswerAsync(context, 401, """{"detail":"token expired"}""");
            return true;
        };
        await using (var client = Client(server.Address))
        {
            Trace(client, 2);
        }

        server.Intercept = null;
        await using var next = Client(server.Address);
        Trace(next, 1);
        await UntilAsync(next, result => result.Recovered == 2);
    }

    [Fact]
    public async Task Read_FarMoreThanABatch_ArrivesWhole()
    {
        var port = FreePort.Next();
        await using (var first = Client(Address(port)))
        {
            for (var i = 0; i < 300; i++)
            {
                using var span = first.StartSpan("large");
                span.SetInputs(new string('x', 50_000));
            }
        }

        Assert.InRange(Files.Length, 2, 4);
        Assert.Equal(300, await RecoverAsync(port, 300));
        Assert.Empty(Files);
    }

    private static string Address(int port) => $"http://127.0.0.1:{port}";

    private static string Id(RecordedRequest request) => request.Json.GetProperty("trace").GetProperty("trace_info").GetProperty("trace_id").GetString()!;

    private static string[] Trace(MlflowClient client, int count) => [.. Enumerable.Range(0, count).Select(i =>
    {
        using var span = client.StartSpan("s" + i);
        span.SetInputs(new { i });
        return span.TraceId;
    })];

    /// <summary>As if it had been written more than a week ago.</summary>
    private void Age(string path)
    {
        var time = DateTimeOffset.UtcNow - TraceSpool.MaxAge - TimeSpan.FromHours(1);
        var parts = Path.GetFileName(path).Split('-');
        parts[1] = time.ToUnixTimeMilliseconds().ToString("D13", System.Globalization.CultureInfo.InvariantCulture);
        var aged = Path.Combine(_folder, string.Join('-', parts));
        File.Move(path, aged);
        File.SetLastWriteTimeUtc(aged, time.UtcDateTime);
    }

    private static bool IsAged(string path) => DateTimeOffset.UtcNow - File.GetLastWriteTimeUtc(path) > TraceSpool.MaxAge;

    private static async Task UntilAsync(MlflowClient client, Func<FlushResult, bool> isSo, Action? meanwhile = null)
    {
        var deadline = Environment.TickCount64 + 30_000;
        FlushResult result;
        do
        {
            meanwhile?.Invoke();
            result = await client.FlushAsync(Token);
            await Task.Yield();
        }
        while (!isSo(result) && Environment.TickCount64 < deadline);
        Assert.True(isSo(result), result.ToString());
    }

    private MlflowClient Client(string address, string? experiment = null) => new(new MlflowClientOptions
    {
        TrackingUri = address,
        Experiment = experiment,
        SpoolDirectory = _folder,
        LoggerFactory = _log,
    });

    private async Task LeaveAsync(int port, int traces)
    {
        await using var client = Client(Address(port));
        Trace(client, traces);
    }

    private async Task<long> RecoverAsync(int port, int traces)
    {
        await using var server = await LoopbackServer.StartAsync(port);
        await using var exporter = new TraceExporter(new SelfLog(_log, TimeProvider.System), TimeProvider.System, _folder);
        var result = await exporter.SendSpooledAsync(new Uri(Address(port)), Token);
        Assert.Equal(traces, server.To("/api/3.0/mlflow/traces").Select(Id).Distinct().Count());
        return result.Recovered;
    }
}
