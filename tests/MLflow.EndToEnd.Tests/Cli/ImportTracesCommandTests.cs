using System.Text.Json.Nodes;
using MLflow.Server;
using Parquet;
using Parquet.Schema;
using Xunit;

namespace MLflow.EndToEnd.Tests.Cli;

public sealed class ImportTracesCommandTests : CommandTestBase
{
    [Theory]
    [InlineData("mlflow")]
    [InlineData("otlp")]
    [InlineData("parquet")]
    public async Task Traces_ExportedAndImportedElsewhere_AreTheSame(string format)
    {
        string id;
        using (var root = Client.StartSpan("天気", SpanType.Agent, new SpanOptions { Attributes = { ["n"] = 1L << 60, ["list"] = new object?[] { "a", null, 2.5 } } }))
        {
            id = root.TraceId;
            root.SetInputs(new { city = "東京", text = "[1]" });
            Client.UpdateCurrentTrace(new TraceUpdate { Session = "s-1", Tags = { ["tier"] = "gold" } });
            using var child = Client.StartSpan("child", SpanType.Tool);
            child.RecordException(new InvalidOperationException("no"));
        }

        await Client.FlushAsync(Token);
        await Client.LogFeedbackAsync(id, "helpful", true, rationale: "right", cancellationToken: Token);
        Assert.Equal(0, (await RunAsync("traces", "export", "-n", "mine", "--format", format, "--file", "out.ndjson")).ExitCode);
        await using var other = await OtherServerAsync();
        var target = other.BaseAddress.ToString();

        // Twice: it changes nothing.
        for (var i = 0; i < 2; i++)
        {
            var import = await RunAsync("traces", "import", "-n", "brought", "--file", "out.ndjson", "--tracking-uri", target);
            Assert.Equal("", import.Errors);
            Assert.Equal("Imported 1 trace", import.Output.Trim());
        }

        await using var client = new MlflowClient(new MlflowClientOptions { TrackingUri = target, Experiment = "brought" });
        var (from, to) = (await Client.GetTraceAsync(id, Token), await client.GetTraceAsync(id, Token));
        Assert.Equal((await client.GetExperimentByNameAsync("brought", Token))!.ExperimentId, to.ExperimentId);
        Assert.Equal(from.Spans.Select(Describe), to.Spans.Select(Describe));
        Assert.Equal(from.State, to.State);
        if (format != "otlp")
        {
            Assert.Equal((from.RequestTime, from.Duration, from.RequestPreview), (to.RequestTime, to.Duration, to.RequestPreview));
            Assert.Equal("gold", to.Tags["tier"]);
            Assert.Equal("s-1", to.Metadata["mlflow.trace.session"]);
            Assert.Equal("right", Assert.Single(to.Assessments).Rationale);
        }

        static string Describe(TraceSpan span) => string.Join(' ', [
            span.SpanId, span.ParentId, span.Name, span.SpanType, span.StatusCode.ToString(), span.StatusMessage, span.StartTime.ToString("O"), span.EndTime?.ToString("O"),
            .. span.Attributes.OrderBy(a => a.Key, StringComparer.Ordinal).Select(a => $"{a.Key}={a.Value.GetRawText()}"),
            .. span.Events.Select(e => $"{e.Name}({string.Join(',', e.Attributes.OrderBy(a => a.Key, StringComparer.Ordinal).Select(a => $"{a.Key}={a.Value.GetRawText()}"))})")]);
    }

    [Fact]
    public async Task Import_ServerStopsInTheMiddle_GoesOnWhereItStopped()
    {
        var ids = Enumerable.Range(0, 50).Select(_ => Trace()).ToHashSet();
        await Client.FlushAsync(Token);
        Assert.Equal(0, (await RunAsync("traces", "export", "-n", "mine", "--file", "out.ndjson")).ExitCode);
        await using var other = await OtherServerAsync();
        var posts = 0;
        await using var flaky = await FlakyProxy.StartAsync(other.BaseAddress, path => path == "/v1/traces" && ++posts == 31, Token);
        string[] arguments = ["traces", "import", "-n", "brought", "--file", "out.ndjson", "--cursor", "cursor.json", "--tracking-uri", flaky.Address.ToString()];

        var broken = await RunAsync(arguments);
        Assert.Equal(1, broken.ExitCode);

        // Several lines are under way at a time; the first that is not done is named, and all before it are.
        var done = Done();
        Assert.InRange(done, 23, 30);
        Assert.Contains($"line {done + 1} of", Assert.Single(broken.Errors.Trim().Split('\n')), StringComparison.Ordinal);

        flaky.IsWell = true;
        Assert.Equal($"Imported {50 - done} traces after the {done} lines of before", (await RunAsync(arguments)).Output.Trim());
        Assert.Equal("Imported 0 traces after the 50 lines of before", (await RunAsync(arguments)).Output.Trim());
        await using var client = new MlflowClient(new MlflowClientOptions { TrackingUri = other.BaseAddress.ToString(), Experiment = "brought" });
        var found = new List<string>();
        await foreach (var trace in client.SearchTracesAsync(cancellationToken: Token))
        {
            Assert.Single(trace.Spans);
            found.Add(trace.TraceId);
        }

        Assert.Equal(50, found.Count);
        Assert.Equal(ids, found.ToHashSet());
    }

    [Fact]
    public async Task Import_ManyLines_AreUnderWayAtATimeAndNoMoreThanAFew()
    {
        for (var i = 0; i < 30; i++)
        {
            Trace();
        }

        await Client.FlushAsync(Token);
        Assert.Equal(0, (await RunAsync("traces", "export", "-n", "mine", "--file", "out.ndjson")).ExitCode);
        await using var other = await OtherServerAsync();

        // Answers nobody until as many have come as come at a time: one after the other, the second would never come.
        var (waiting, most, all) = (0, 0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await using var gate = await FlakyProxy.StartAsync(other.BaseAddress, _ => false, Token, async path =>
        {
            if (path != "/v1/traces")
            {
                return;
            }

            var now = Interlocked.Increment(ref waiting);
            most = Math.Max(most, now);
            if (now == 8)
            {
                all.TrySetResult();
            }

            await all.Task;
            Interlocked.Decrement(ref waiting);
        });

        Assert.Equal("Imported 30 traces", (await RunAsync("traces", "import", "-n", "brought", "--file", "out.ndjson", "--tracking-uri", gate.Address.ToString())).Output.Trim());
        Assert.Equal(8, most);
    }

    [Fact]
    public async Task Import_LinesOfOneTrace_HaveTheLastWordAsInTheFile()
    {
        var id = Trace();
        await Client.FlushAsync(Token);
        var line = (await RunAsync("traces", "export", "-n", "mine")).Output.Trim();
        var versions = Enumerable.Range(1, 40).Select(i => line.Replace("\"tags\":{", $$"""
            "tags":{"version":"{{i}}",
            """.Trim(), StringComparison.Ordinal));
        await File.WriteAllLinesAsync(Path.Combine(Folder.Path, "in.ndjson"), versions, Token);
        await using var other = await OtherServerAsync();

        Assert.Equal("Imported 40 traces", (await RunAsync("traces", "import", "-n", "brought", "--file", "in.ndjson", "--tracking-uri", other.BaseAddress.ToString())).Output.Trim());

        await using var client = new MlflowClient(new MlflowClientOptions { TrackingUri = other.BaseAddress.ToString() });
        Assert.Equal("40", (await client.GetTraceAsync(id, Token)).Tags["version"]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Import_AssessmentsThatOverrideOneAnother_AreTheSameHistory(bool isOurs)
    {
        var id = Trace();
        await Client.FlushAsync(Token);
        var first = await Client.LogFeedbackAsync(id, "helpful", false, cancellationToken: Token);
        var second = await Client.OverrideFeedbackAsync(id, first.AssessmentId!, true, rationale: "on second thought", cancellationToken: Token);
        var third = await Client.OverrideFeedbackAsync(id, second.AssessmentId!, false, rationale: "no", cancellationToken: Token);
        Assert.Equal(0, (await RunAsync("traces", "export", "-n", "mine", "--file", "out.ndjson")).ExitCode);
        await using var other = await OtherServerAsync();

        // A server that does not say that it keeps ids is one that gives new ones.
        await using var proxy = await FlakyProxy.StartAsync(other.BaseAddress, _ => false, Token, hides: "server-info");
        for (var i = 0; i < 2; i++)
        {
            var import = await RunAsync("traces", "import", "-n", "brought", "--file", "out.ndjson", "--tracking-uri", (isOurs ? other.BaseAddress : proxy.Address).ToString());
            Assert.Equal(("", "Imported 1 trace"), (import.Errors, import.Output.Trim()));
        }

        await using var client = new MlflowClient(new MlflowClientOptions { TrackingUri = other.BaseAddress.ToString() });
        var brought = (await client.GetTraceAsync(id, Token)).Assessments.OrderBy(assessment => assessment.CreateTime).ToList();
        Assert.Equal([false, true, false], brought.Select(assessment => assessment.Boolean));
        Assert.Equal([null, brought[0].AssessmentId, brought[1].AssessmentId], brought.Select(assessment => assessment.Overrides));
        Assert.Equal([false, false, true], brought.Select(assessment => assessment.IsValid));
        Assert.Equal(isOurs, brought[2].AssessmentId == third.AssessmentId);
    }

    [Fact]
    public async Task Import_LineThatIsNoTrace_IsNamed()
    {
        var id = Trace();
        await Client.FlushAsync(Token);
        var line = (await RunAsync("traces", "export", "-n", "mine")).Output.Trim();
        await File.WriteAllTextAsync(
            Path.Combine(Folder.Path, "in.ndjson"),
            $$"""
            {"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"zz","spanId":"1"}]}]}]}
            {"half":
            {"foo":1}
            [1]
            {{line}}
            """,
            Token);

        var strict = await RunAsync("traces", "import", "--file", "in.ndjson");
        Assert.Equal(1, strict.ExitCode);
        Assert.Contains("line 1 of", Assert.Single(strict.Errors.Trim().Split('\n')), StringComparison.Ordinal);

        var lenient = await RunAsync("traces", "import", "-n", "again", "--file", "in.ndjson", "--continue-on-error");
        Assert.Equal(1, lenient.ExitCode);
        var errors = lenient.Errors.Trim().Split('\n');
        Assert.Equal(4, errors.Length);
        Assert.Contains("traceId is 'zz', not 32 hex digits", errors[0], StringComparison.Ordinal);
        Assert.Contains("jq -c", errors[1], StringComparison.Ordinal);
        Assert.Contains("neither 'trace_info' nor 'info'", errors[2], StringComparison.Ordinal);
        Assert.Equal("Imported 1 trace; 4 lines were left out", lenient.Output.Trim());
        Assert.NotNull(await Client.GetTraceAsync(id, Token));
    }

    [Fact]
    public async Task Parquet_CutAnywhereOrOfOthers_IsRefusedAndNothingIsMade()
    {
        Trace();
        await Client.FlushAsync(Token);
        var path = Path.Combine(Folder.Path, "out.parquet");
        Assert.Equal(0, (await RunAsync("traces", "export", "-n", "mine", "--format", "parquet", "--file", path)).ExitCode);
        var bytes = await File.ReadAllBytesAsync(path, Token);

        await RefusedAsync(bytes[..(bytes.Length / 2)], "is no whole Parquet file, nothing was imported");
        await RefusedAsync(bytes[..^1], "is no whole Parquet file");
        await RefusedAsync(bytes[..4], "is no whole Parquet file");

        // The pages of the first column: its index is well, what it points to is not.
        var broken = bytes.ToArray();
        broken.AsSpan(4, 200).Fill(0xFF);
        await RefusedAsync(broken, "is no whole Parquet file");

        // An index that begins with a field which does not end.
        var endless = bytes.ToArray();
        endless.AsSpan(bytes.Length - 8 - BitConverter.ToInt32(bytes, bytes.Length - 8), 200).Fill(0xFC);
        await RefusedAsync(endless, "is no whole Parquet file, nothing was imported: a FileMetaData has a field of type 12");

        // An index that names no column: behind the root's name, how many it has.
        var empty = await TableAsync(("city", "Paris"));
        var children = empty.AsSpan().IndexOf("root"u8) + "root"u8.Length + 1;
        Assert.Equal(2, empty[children]);
        empty[children] = 0;
        await RefusedAsync(empty, "is no whole Parquet file");
        await RefusedAsync(await TableAsync(("city", "Paris")), "it has no column trace_id, trace_info, otel_trace_id");
        Assert.Null(await Client.GetExperimentByNameAsync("brought", Token));

        async Task RefusedAsync(byte[] content, string expected)
        {
            await File.WriteAllBytesAsync(Path.Combine(Folder.Path, "in.parquet"), content, Token);
            var import = await RunAsync("traces", "import", "-n", "brought", "--file", "in.parquet");
            Assert.Equal(1, import.ExitCode);
            Assert.Contains(expected, Assert.Single(import.Errors.Trim().Split('\n')), StringComparison.Ordinal);
            Assert.Equal("", import.Output);
        }
    }

    [Fact]
    public async Task Parquet_BrokenOff_GoesOnBehindTheTracesThatAreDone()
    {
        var ids = Enumerable.Range(0, 25).Select(_ => Trace()).ToHashSet();
        await Client.FlushAsync(Token);
        Assert.Equal(0, (await RunAsync("traces", "export", "-n", "mine", "--format", "parquet", "--file", "out.parquet")).ExitCode);
        await using var other = await OtherServerAsync();
        var posts = 0;
        await using var flaky = await FlakyProxy.StartAsync(other.BaseAddress, path => path == "/v1/traces" && ++posts == 11, Token);
        string[] arguments = ["traces", "import", "-n", "brought", "--file", "out.parquet", "--cursor", "cursor.json", "--tracking-uri", flaky.Address.ToString()];

        var broken = await RunAsync(arguments);
        var done = Done();
        Assert.InRange(done, 3, 10);
        Assert.Contains($"trace {done + 1} of", Assert.Single(broken.Errors.Trim().Split('\n')), StringComparison.Ordinal);

        flaky.IsWell = true;
        Assert.Equal($"Imported {25 - done} traces after the {done} traces of before", (await RunAsync(arguments)).Output.Trim());
        await using var client = new MlflowClient(new MlflowClientOptions { TrackingUri = other.BaseAddress.ToString(), Experiment = "brought" });
        var found = new HashSet<string>();
        await foreach (var trace in client.SearchTracesAsync(cancellationToken: Token))
        {
            found.Add(trace.TraceId);
        }

        Assert.Equal(ids, found);
    }

    [Fact]
    public async Task Parquet_FolderOfParts_IsImportedWholeOrNotAtAll()
    {
        var ids = new HashSet<string>();
        for (var part = 0; part < 2; part++)
        {
            ids.Add(Trace());
            await Client.FlushAsync(Token);
            Assert.Equal(0, (await RunAsync("traces", "export", "-n", "mine", "--format", "parquet", "--file", "out", "--cursor", "export.json")).ExitCode);
        }

        await using var other = await OtherServerAsync();
        string[] arguments = ["traces", "import", "-n", "brought", "--file", "out", "--cursor", "import.json", "--tracking-uri", other.BaseAddress.ToString()];
        var second = Path.Combine(Folder.Path, "out", "part-000002.parquet");
        var whole = await File.ReadAllBytesAsync(second, Token);
        await File.WriteAllBytesAsync(second, whole[..^1], Token);
        Assert.Contains("part-000002.parquet is no whole Parquet file, nothing was imported", (await RunAsync(arguments)).Errors, StringComparison.Ordinal);
        await using var client = new MlflowClient(new MlflowClientOptions { TrackingUri = other.BaseAddress.ToString(), Experiment = "brought" });
        Assert.Null(await client.GetExperimentByNameAsync("brought", Token));

        await File.WriteAllBytesAsync(second, whole, Token);
        Assert.Equal("Imported 2 traces", (await RunAsync(arguments)).Output.Trim());
        Assert.Equal("Imported 0 traces after the 2 traces of before", (await RunAsync(arguments)).Output.Trim());
        var found = new HashSet<string>();
        await foreach (var trace in client.SearchTracesAsync(cancellationToken: Token))
        {
            found.Add(trace.TraceId);
        }

        Assert.Equal(ids, found);

        Directory.CreateDirectory(Path.Combine(Folder.Path, "empty"));
        Assert.Contains("has no file that ends in .parquet", (await RunAsync("traces", "import", "--file", "empty")).Errors, StringComparison.Ordinal);
    }

    /// <summary>Lines that the cursor says are done.</summary>
    private int Done() => JsonNode.Parse(File.ReadAllText(Path.Combine(Folder.Path, "cursor.json")))!["lines"]!.GetValue<int>();

    /// <summary>A table of one row of texts.</summary>
    private static async Task<byte[]> TableAsync(params (string Column, string Value)[] row)
    {
        var fields = row.Select(cell => new DataField<string>(cell.Column)).ToArray();
        using var file = new MemoryStream();
        await using (var writer = await ParquetWriter.CreateAsync(new ParquetSchema(fields.ToArray<Field>()), file, cancellationToken: Token))
        {
            using var group = writer.CreateRowGroup();
            for (var i = 0; i < fields.Length; i++)
            {
                await group.WriteAsync(fields[i], [row[i].Value]);
            }
        }

        return file.ToArray();
    }

    private Task<MlflowServer> OtherServerAsync() => MlflowServer.StartAsync(
        new MlflowServerOptions { Port = 0, BackendStoreUri = "sqlite:///" + Path.Combine(Folder.Path, "other.db") }, Token);
}
