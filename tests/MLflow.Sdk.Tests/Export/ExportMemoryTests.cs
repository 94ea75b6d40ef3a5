using System.Runtime.CompilerServices;
using MLflow.Tests.Spans;
using Xunit;

namespace MLflow.Tests.Export;

public sealed class ExportMemoryTests : SpanTestBase
{
    [Fact]
    public void Keep_BlockReleased_IsUsedAgain()
    {
        var memory = new ExportMemory();
        var half = new byte[(ExportMemory.BlockSize / 2) + 1];
        var first = memory.Keep(half).Block;
        var second = memory.Keep(half).Block;
        Assert.NotSame(first, second);

        memory.Release(first);
        Assert.Same(first, memory.Keep(half).Block);
    }

    [Fact]
    public void Keep_BlockSharedByTwo_IsUsedAgainAfterBoth()
    {
        var memory = new ExportMemory();
        var (shared, start) = memory.Keep([1, 2, 3]);
        var (same, behind) = memory.Keep([4, 5]);
        Assert.Same(shared, same);
        Assert.Equal((0, 3), (start, behind));
        Assert.Equal([1, 2, 3, 4, 5], shared.Bytes[..5]);
        memory.Keep(new byte[ExportMemory.BlockSize]);

        memory.Release(shared);
        Assert.NotSame(shared, memory.Keep(new byte[ExportMemory.BlockSize]).Block);
        memory.Release(shared);
        Assert.Same(shared, memory.Keep(new byte[ExportMemory.BlockSize]).Block);
    }

    [Fact]
    public void Keep_LargerThanABlock_HasItsOwnAndLeavesTheOpenOne()
    {
        var memory = new ExportMemory();
        var open = memory.Keep([1]).Block;
        var large = memory.Keep(new byte[ExportMemory.BlockSize + 1]).Block;

        Assert.Equal(ExportMemory.BlockSize + 1, large.Bytes.Length);
        Assert.Same(open, memory.Keep([2]).Block);
    }

    [Fact]
    public async Task Wait_ServerAway_NoSpanIsKeptAsObjects()
    {
        await using var client = Some.Client($"http://127.0.0.1:{FreePort.Next()}");
        var spans = EndSpans(client);

        // What the exporter still holds as objects, no collection takes.
        var deadline = Environment.TickCount64 + 20_000;
        while (spans.Exists(span => span.TryGetTarget(out _)) && Environment.TickCount64 < deadline)
        {
            await Task.Yield();
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.DoesNotContain(spans, span => span.TryGetTarget(out _));
        Assert.Equal(20, (await client.FlushAsync(Token)).Pending);
    }

    [Fact]
    public void Encode_TracesJson_HasWhatTheSpanHas()
    {
        var span = Start("a \"name\"");
        span.SetAttribute("text", "東京 {");
        span.SetAttribute("structure", "{not json");
        span.SetAttribute("list", new[] { 1, 2 });
        span.SetAttribute("number", 1.5);
        span.SetAttribute("nothing", null);
        span.SetAttribute("yes", true);
        span.AddEvent("e", [new("json", "{\"a\":1}"), new("n", -3)]);
        span.Dispose();

        using var document = System.Text.Json.JsonDocument.Parse(TracesJsonWriter.Write([Some.Encoded(span)]));
        var written = document.RootElement.GetProperty("spans")[0];
        Assert.Equal("a \"name\"", written.GetProperty("name").GetString());
        Assert.Equal(span.StartNs, written.GetProperty("start_time_unix_nano").GetInt64());
        Assert.Equal(System.Text.Json.JsonValueKind.Null, written.GetProperty("parent_span_id").ValueKind);
        var attributes = written.GetProperty("attributes");
        Assert.Equal(
            ["\"東京 {\"", "\"{not json\"", "[1,2]", "1.5", "null", "true"],
            ((string[])["text", "structure", "list", "number", "nothing", "yes"]).Select(key => attributes.GetProperty(key).GetString()));
        var recorded = written.GetProperty("events")[0].GetProperty("attributes");
        Assert.Equal("{\"a\":1}", recorded.GetProperty("json").GetString());
        Assert.Equal(-3, recorded.GetProperty("n").GetInt32());
    }

    [Theory]
    [InlineData(new byte[] { 0x0A, 5, 1 })]
    [InlineData(new byte[] { 0x09, 1, 2 })]
    [InlineData(new byte[] { 0x80, 0x80 })]
    [InlineData(new byte[] { 0x0F })]
    public void Read_CutMessage_SaysSo(byte[] message) => Assert.Throws<InvalidDataException>(() =>
    {
        var reader = new ProtobufReader(message);
        while (reader.Read())
        {
        }
    });

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static List<WeakReference<LiveSpan>> EndSpans(MlflowClient client) => [.. Enumerable.Range(0, 20).Select(i =>
    {
        var span = client.StartSpan("s" + i);
        span.SetInputs(i);
        span.Dispose();
        return new WeakReference<LiveSpan>(span);
    })];
}
