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
        Assert.Contains("line 31 of", Assert.Single(broken.Errors.Trim().Split('\n')), StringComparison.Ordinal);
        Assert.Equal(30, JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Folder.Path, "cursor.json"), Token))!["lines"]!.GetValue<int>());

        flaky.IsWell = true;
        Assert.Equal("Imported 20 traces after the 30 lines of before", (await RunAsync(arguments)).Output.Trim());
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
        Assert.Contains("trace 11 of", Assert.Single(broken.Errors.Trim().Split('\n')), StringComparison.Ordinal);

        flaky.IsWell = true;
        Assert.Equal("Imported 15 traces after the 10 traces of before", (await RunAsync(arguments)).Output.Trim());
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
