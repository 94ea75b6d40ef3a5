using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Parquet;
using Xunit;

namespace MLflow.EndToEnd.Tests.Cli;

public sealed class ExportCommandTests : CommandTestBase
{
    [Fact]
    public async Task Export_ToAPipe_IsALineForEachTrace()
    {
        var first = Trace("東京", error: new InvalidOperationException("no"));
        var second = Trace("two");
        await Client.FlushAsync(Token);
        await Client.LogFeedbackAsync(first, "helpful", true, cancellationToken: Token);

        var export = await RunAsync("traces", "export", "-n", "mine");

        Assert.Equal("Exported 2 traces", export.Errors.Trim());

        // Both may have begun in the same millisecond: then their ids decide which comes first.
        var traces = Lines(export.Output).Select(TraceRecord.Parse).ToDictionary(trace => trace.TraceId);
        Assert.Equal(new HashSet<string> { first, second }, traces.Keys.ToHashSet());
        Assert.Equal("東京", traces[first].Root!.Name);
        Assert.True(Assert.Single(traces[first].Assessments).Boolean);
        Assert.Contains("東京", export.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Export_AsOtlp_IsWhatOpenTelemetryWrites()
    {
        string id;
        using (var span = Client.StartSpan("root", SpanType.Agent, new SpanOptions { Attributes = { ["n"] = 1L << 60, ["ratio"] = 0.5, ["flag"] = true, ["list"] = new object?[] { "a", null, 2 } } }))
        {
            id = span.TraceId;
            using var child = Client.StartSpan("child", SpanType.Tool);
        }

        await Client.FlushAsync(Token);

        var export = await RunAsync("traces", "export", "-n", "mine", "--format", "otlp");

        var spans = JsonNode.Parse(Assert.Single(Lines(export.Output)))!["resourceSpans"]![0]!["scopeSpans"]![0]!["spans"]!.AsArray();
        Assert.Equal(2, spans.Count);
        var root = spans[0]!;
        Assert.Equal(id, "tr-" + root["traceId"]!.GetValue<string>());
        Assert.Equal(root["spanId"]!.GetValue<string>(), spans[1]!["parentSpanId"]!.GetValue<string>());
        Assert.Equal("""{"intValue":"1152921504606846976"}""", Attribute("n"));
        Assert.Equal("""{"doubleValue":0.5}""", Attribute("ratio"));
        Assert.Equal("""{"boolValue":true}""", Attribute("flag"));
        Assert.Equal("""{"arrayValue":{"values":[{"stringValue":"a"},{},{"intValue":"2"}]}}""", Attribute("list"));
        Assert.Equal(JsonValueKind.String, root["startTimeUnixNano"]!.GetValueKind());

        string? Attribute(string key) => root["attributes"]!.AsArray().Single(pair => pair!["key"]!.GetValue<string>() == key)!["value"]!.ToJsonString();
    }

    [Fact]
    public async Task Export_BrokenAndRunAgain_HasEachTraceOnce()
    {
        var ids = Traces(25);
        await Client.FlushAsync(Token);
        string[] arguments = ["traces", "export", "-n", "mine", "--file", "out.ndjson", "--cursor", "cursor.json"];
        Assert.Equal(0, (await RunAsync(arguments)).ExitCode);

        // As the process leaves them that dies while it writes the twelfth trace.
        var path = Path.Combine(Folder.Path, "out.ndjson");
        var lines = File.ReadAllLines(path);
        var ten = string.Concat(lines.Take(10).Select(line => line + "\n"));
        await File.WriteAllTextAsync(path, ten + lines[10] + "\n" + lines[11][..20], Token);
        var cursor = JsonNode.Parse(await File.ReadAllTextAsync(Cursor, Token))!;
        cursor["bytes"] = System.Text.Encoding.UTF8.GetByteCount(ten);
        cursor["traces"] = 10;
        cursor["written"] = new JsonArray([.. ids.Take(10).Select(id => JsonValue.Create(id))]);
        await File.WriteAllTextAsync(Cursor, cursor.ToJsonString(), Token);
        ids.AddRange(Traces(3));
        await Client.FlushAsync(Token);

        var again = await RunAsync(arguments);

        Assert.Equal("Exported 18 traces, 28 with those before", again.Errors.Trim());
        Assert.Equal(ids, File.ReadAllLines(path).Select(line => TraceRecord.Parse(line).TraceId));
    }

    [Fact]
    public async Task Export_ServerStopsInTheMiddle_GoesOnWhenItIsBack()
    {
        var ids = Traces(130);
        await Client.FlushAsync(Token);
        var reads = 0;
        await using var flaky = await FlakyProxy.StartAsync(new Uri(Address), path => path.Contains("batchGet", StringComparison.Ordinal) && ++reads == 12, Token);
        string[] arguments = ["traces", "export", "-n", "mine", "--file", "out.ndjson", "--cursor", "cursor.json", "--tracking-uri", flaky.Address.ToString()];

        var broken = await RunAsync(arguments);
        Assert.Equal(1, broken.ExitCode);
        Assert.Single(broken.Errors.Trim().Split('\n'));
        var soFar = File.ReadAllLines(Path.Combine(Folder.Path, "out.ndjson")).Length;
        Assert.InRange(soFar, 1, 129);

        flaky.IsWell = true;
        var again = await RunAsync(arguments);
        Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"Exported {130 - soFar} traces, 130 with those before"), again.Errors.Trim());
        Assert.Equal(ids, File.ReadAllLines(Path.Combine(Folder.Path, "out.ndjson")).Select(line => TraceRecord.Parse(line).TraceId));
    }

    [Fact]
    public async Task Export_OverAFileOrAnotherCursor_IsRefused()
    {
        Trace();
        await Client.FlushAsync(Token);
        await File.WriteAllTextAsync(Path.Combine(Folder.Path, "mine.txt"), "precious", Token);

        var file = await RunAsync("traces", "export", "-n", "mine", "--file", "mine.txt");
        Assert.Equal(1, file.ExitCode);
        Assert.Contains("mine.txt is there already", file.Errors, StringComparison.Ordinal);
        Assert.Equal("precious", await File.ReadAllTextAsync(Path.Combine(Folder.Path, "mine.txt"), Token));

        Assert.Equal(0, (await RunAsync("traces", "export", "-n", "mine", "--file", "out", "--cursor", "cursor.json")).ExitCode);
        var other = await RunAsync("traces", "export", "-n", "mine", "--file", "out", "--cursor", "cursor.json", "--format", "otlp");
        Assert.Equal(2, other.ExitCode);
        Assert.Contains("belongs to another export", other.Errors, StringComparison.Ordinal);

        Assert.Equal(2, (await RunAsync("traces", "export", "--cursor", "cursor.json")).ExitCode);
    }

    [Theory]
    [InlineData("traces export -n mine")]
    [InlineData("traces search -n mine --output json")]
    public async Task Output_ThatNobodyReads_EndsTheCommand(string command)
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("needs bash");
            return;
        }

        Trace();
        await Client.FlushAsync(Token);
        var script = Path.Combine(Folder.Path, "script");
        await File.WriteAllTextAsync(script, $"#!/bin/bash\ndotnet '{Path.Combine(AppContext.BaseDirectory, "dotnet-mlflow.dll")}' {command} | true\necho \"${{PIPESTATUS[0]}}\"\n", Token);
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        await using var process = CliProcess.Of(script, Folder.Path, ("MLFLOW_TRACKING_URI", Address));

        await process.WaitAsync(Token);

        Assert.Equal(("141", ""), (process.Output.Trim(), process.Errors));
    }

    [Fact]
    public async Task Export_AsParquet_IsATableOfSpansWithTypedColumns()
    {
        string id;
        using (var root = Client.StartSpan("root", SpanType.Agent))
        {
            id = root.TraceId;
            root.SetInputs(new { q = "?" });
            Client.UpdateCurrentTrace(new TraceUpdate { Session = "s-1", User = "u-1" });
            using var call = Client.StartSpan("call", SpanType.ChatModel, new SpanOptions
            {
                Attributes =
                {
                    ["mlflow.llm.model"] = "gpt-x",
                    ["mlflow.chat.tokenUsage"] = new { input_tokens = 1, output_tokens = 2, total_tokens = 3 },
                    ["mlflow.llm.cost"] = new { input_cost = 0.25, output_cost = 0.5, total_cost = 0.75 },
                },
            });
        }

        await Client.FlushAsync(Token);

        // As traces are that come by OpenTelemetry.
        await Client.DeleteTraceTagAsync(id, "mlflow.traceName", Token);
        var path = Path.Combine(Folder.Path, "out.parquet");
        Assert.Equal("Exported 1 trace", (await RunAsync("traces", "export", "-n", "mine", "--format", "parquet", "--file", path)).Errors.Trim());
        Assert.Equal([path], Directory.GetFiles(Folder.Path));

        await using var reader = await ParquetReader.CreateAsync(path, cancellationToken: Token);
        using var group = reader.OpenRowGroupReader(0);
        Assert.Equal([id, id], await TextsAsync("trace_id"));
        Assert.Equal(["root", "root"], await TextsAsync("trace_name"));
        Assert.Equal(["root", "call"], await TextsAsync("name"));
        Assert.Equal(["AGENT", "CHAT_MODEL"], await TextsAsync("type"));
        Assert.Equal(["s-1", "s-1"], await TextsAsync("session"));
        Assert.Equal(["u-1", "u-1"], await TextsAsync("user"));
        Assert.Equal([null, "gpt-x"], await TextsAsync("model"));
        Assert.Equal(["""{"q":"?"}""", null], await TextsAsync("inputs"));
        Assert.Equal([null, 3L], await ValuesAsync<long>("total_tokens"));
        Assert.Equal([null, 0.75], await ValuesAsync<double>("cost_usd"));

        // Once for each trace, so that sums are right.
        Assert.Equal([3L, null], await ValuesAsync<long>("trace_total_tokens"));
        Assert.Equal([false, true], (await TextsAsync("trace_info")).Select(info => info is null));
        var starts = await ValuesAsync<long>("start_time_unix_nano");
        Assert.Equal(starts.Select(start => (DateTime?)DateTime.UnixEpoch.AddTicks(start!.Value / 1000 * 10)), await ValuesAsync<DateTime>("start_time"));

        async Task<string?[]> TextsAsync(string column)
        {
            var values = new string?[group.RowCount];
            await group.ReadAsync(reader.Schema.FindDataField(column), values.AsMemory(), null, Token);
            return values;
        }

        async Task<T?[]> ValuesAsync<T>(string column)
            where T : struct
        {
            var values = new T?[group.RowCount];
            await group.ReadAsync<T>(reader.Schema.FindDataField(column), values.AsMemory(), null, Token);
            return values;
        }
    }

    [Fact]
    public async Task Export_AsParquetServerStopsInTheMiddle_LeavesNoFile()
    {
        Traces(130);
        await Client.FlushAsync(Token);
        var reads = 0;
        await using var flaky = await FlakyProxy.StartAsync(new Uri(Address), path => path.Contains("batchGet", StringComparison.Ordinal) && ++reads == 12, Token);

        var broken = await RunAsync("traces", "export", "-n", "mine", "--format", "parquet", "--file", "out.parquet", "--tracking-uri", flaky.Address.ToString());

        Assert.Equal(1, broken.ExitCode);
        Assert.Single(broken.Errors.Trim().Split('\n'));
        Assert.Empty(Directory.GetFiles(Folder.Path));
    }

    [Fact]
    public async Task Export_AsParquetWithCursorServerStopsInTheMiddle_GoesOnInAnotherPart()
    {
        var ids = Traces(130);
        await Client.FlushAsync(Token);
        var reads = 0;
        await using var flaky = await FlakyProxy.StartAsync(new Uri(Address), path => path.Contains("batchGet", StringComparison.Ordinal) && ++reads == 12, Token);
        string[] arguments = ["traces", "export", "-n", "mine", "--format", "parquet", "--file", "out", "--cursor", "cursor.json", "--tracking-uri", flaky.Address.ToString()];

        // What it had when the server stopped is a whole part; what a killed process leaves is none and is done again.
        Assert.Equal(1, (await RunAsync(arguments)).ExitCode);
        Assert.Equal(["part-000001.parquet"], Parts());
        var soFar = (await TraceIdsAsync("part-000001.parquet")).Count;
        Assert.InRange(soFar, 1, 129);
        await File.WriteAllTextAsync(Path.Combine(Folder.Path, "out", "part-000002.parquet"), "of a process that died", Token);

        flaky.IsWell = true;
        Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"Exported {130 - soFar} traces, 130 with those before"), (await RunAsync(arguments)).Errors.Trim());
        ids.AddRange(Traces(3));
        await Client.FlushAsync(Token);
        Assert.Equal("Exported 3 traces, 133 with those before", (await RunAsync(arguments)).Errors.Trim());
        Assert.Equal("Exported 0 traces, 133 with those before", (await RunAsync(arguments)).Errors.Trim());

        Assert.Equal(["part-000001.parquet", "part-000002.parquet", "part-000003.parquet"], Parts());
        Assert.Equal(ids, [.. await TraceIdsAsync("part-000001.parquet"), .. await TraceIdsAsync("part-000002.parquet"), .. await TraceIdsAsync("part-000003.parquet")]);

        File.Delete(Path.Combine(Folder.Path, "out", "part-000002.parquet"));
        Assert.Contains("part-000002.parquet is missing, but", (await RunAsync(arguments)).Errors, StringComparison.Ordinal);
        File.Delete(Cursor);
        Assert.Contains("out is there already", (await RunAsync(arguments)).Errors, StringComparison.Ordinal);

        string[] Parts() => [.. Directory.GetFiles(Path.Combine(Folder.Path, "out")).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

        async Task<List<string>> TraceIdsAsync(string part)
        {
            await using var reader = await ParquetReader.CreateAsync(Path.Combine(Folder.Path, "out", part), cancellationToken: Token);
            using var group = reader.OpenRowGroupReader(0);
            var values = new string?[group.RowCount];
            await group.ReadAsync(reader.Schema.FindDataField("trace_id"), values.AsMemory(), null, Token);
            return [.. values.OfType<string>()];
        }
    }

    [Fact]
    public async Task Export_AsParquetOfAnyNumberOfSpans_TakesTheSameMemory()
    {
        const int heapBytes = 64 << 20;
        var lines = Path.Combine(Folder.Path, "many.ndjson");
        await using (var file = File.CreateText(lines))
        {
            for (var trace = 1; trace <= 400; trace++)
            {
                var spans = Enumerable.Range(1, 100).Select(span => string.Create(
                    CultureInfo.InvariantCulture,
                    $$$"""{"traceId":"{{{trace:x32}}}","spanId":"{{{span:x16}}}","name":"s","startTimeUnixNano":"{{{trace}}}000000000","endTimeUnixNano":"{{{trace}}}000000001","attributes":[{"key":"mlflow.spanInputs","value":{"stringValue":"\"{{{Text(trace, span)}}}\""}}]}"""));
                await file.WriteLineAsync($$$"""{"resourceSpans":[{"scopeSpans":[{"spans":[{{{string.Join(',', spans)}}}]}]}]}""");
            }
        }

        Assert.Equal("Imported 400 traces", (await RunAsync("traces", "import", "-n", "mine", "--file", lines)).Output.Trim());

        // 40,000 spans with 24 million characters, with a heap that holds them once as text and has no room for what is made of them.
        (string, string)[] bounded = [("MLFLOW_TRACKING_URI", Address), ("DOTNET_GCHeapHardLimit", heapBytes.ToString("x", CultureInfo.InvariantCulture))];
        var export = await RunAsync(bounded, "traces", "export", "-n", "mine", "--format", "parquet", "--file", "out.parquet");

        Assert.Equal("Exported 400 traces", export.Errors.Trim());
        await using var reader = await ParquetReader.CreateAsync(Path.Combine(Folder.Path, "out.parquet"), cancellationToken: Token);
        var rows = Enumerable.Range(0, reader.RowGroupCount).Select(group => reader.OpenRowGroupReader(group).RowCount).ToList();
        Assert.Equal(40_000, rows.Sum());
        Assert.All(rows, count => Assert.InRange(count, 1, 5_000));
        var import = await RunAsync(bounded, "traces", "import", "-n", "mine", "--file", "out.parquet");
        Assert.Equal("Imported 400 traces", (import.Output + import.Errors).Trim());

        // Text that does not compress.
        static string Text(int trace, int span) => string.Concat(Enumerable.Range(0, 18).Select(part => Convert.ToHexString(
            System.Security.Cryptography.SHA256.HashData([(byte)trace, (byte)(trace >> 8), (byte)span, (byte)part]).AsSpan(0, 16))));
    }

    [Fact]
    public async Task Export_AsParquetWithoutFile_SaysThatItNeedsOne()
    {
        var result = await RunAsync("traces", "export", "--format", "parquet");

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("--format parquet needs --file", result.Errors, StringComparison.Ordinal);
    }

    private string Cursor => Path.Combine(Folder.Path, "cursor.json");

    /// <summary>Traces of a millisecond each, so that their order is known.</summary>
    private List<string> Traces(int count) =>
    [
        .. Enumerable.Range(0, count).Select(_ =>
        {
            using var span = Client.StartSpan("one", SpanType.Chain, new SpanOptions { StartTime = DateTimeOffset.UnixEpoch.AddDays(1).AddMilliseconds(_next++) });
            return span.TraceId;
        }),
    ];

    private int _next;

    private static string[] Lines(string text) => text.Trim().ReplaceLineEndings("\n").Split('\n');
}
