using MLflow.Server.Storage.Postgres;
using MLflow.Server.Traces;
using Xunit;
using static MLflow.Server.Tests.Storage.SomeTrace;

namespace MLflow.Server.Tests.Storage.Postgres;

/// <summary>Where the content of spans that came together is: in one row, and in the rows of the others where in it.</summary>
public sealed class PostgresFrameTests(PostgresCluster cluster)
{
    private const string NeitherOrBothSql =
        "SELECT COUNT(*) FROM spans s WHERE (s.frame_place IS NULL) <> EXISTS (SELECT 1 FROM span_payloads p WHERE p.trace_id = s.trace_id AND p.bucket = s.bucket AND p.span_id = s.span_id)";

    // As it was written before there was a column for it.
    private const string AsBeforeSql = """
        INSERT INTO span_payloads (trace_id, bucket, span_id, codec, payload) SELECT trace_id, bucket, span_id, 3, frame_place FROM spans WHERE frame_place IS NOT NULL;
        UPDATE spans SET frame_place = NULL, otel_trace_id = substr(trace_id, 4);
        """;

    private static CancellationToken Cancellation => Xunit.TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(3)]
    [InlineData(600)]
    public async Task Write_SpansThatComeTogether_HaveOneRowOfContent(int count)
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);
        await using (var database = await PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Cancellation))
        {
            var store = new PostgresTraceStore(database);
            var id = NewOtelId();
            await store.WriteAsync(Batch([.. Enumerable.Range(1, count).Select(number => Asking(id, number))]), Cancellation);

            Assert.Equal(1L, await PostgresCluster.ScalarAsync(uri, "SELECT COUNT(*) FROM span_payloads"));
            Assert.Equal(0L, await PostgresCluster.ScalarAsync(uri, NeitherOrBothSql));
            Assert.Equal(0L, await PostgresCluster.ScalarAsync(uri, "SELECT COUNT(*) FROM spans WHERE otel_trace_id IS NOT NULL"));
            await AssertAskedAsync(store, id, count);
            Assert.Equal(id, (await store.GetSkeletonAsync("tr-" + id, Cancellation))[^1].OtelTraceId);
        }

        await cluster.ReturnAsync(uri);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Write_OverTheSpanThatHasTheContent_LeavesTheOthersTheirs(bool isFromBefore)
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);
        await using (var database = await PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Cancellation))
        {
            var store = new PostgresTraceStore(database);
            var id = NewOtelId();
            await store.WriteAsync(Batch(Asking(id, 1), Asking(id, 2), Asking(id, 3)), Cancellation);
            if (isFromBefore)
            {
                await PostgresCluster.ScalarAsync(uri, AsBeforeSql);
                await AssertAskedAsync(store, id, 3);
            }

            await store.WriteAsync(Batch(Asking(id, 1), Asking(id, 4)), Cancellation);

            Assert.Equal(0L, await PostgresCluster.ScalarAsync(uri, NeitherOrBothSql));
            Assert.Equal(3L, await PostgresCluster.ScalarAsync(uri, "SELECT COUNT(*) FROM span_payloads"));
            await AssertAskedAsync(store, id, 4);
        }

        await cluster.ReturnAsync(uri);
    }

    [Fact]
    public async Task Write_SpansThatRanEachAlone_TakesTheirRowsOfContentAway()
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);
        await using (var database = await PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Cancellation))
        {
            var store = new PostgresTraceStore(database);
            var id = NewOtelId();
            await store.WriteAsync(Batch(Asking(id, 1, durationMs: null), Asking(id, 2, durationMs: null)), Cancellation);
            Assert.Equal(2L, await PostgresCluster.ScalarAsync(uri, "SELECT COUNT(*) FROM span_payloads"));

            await store.WriteAsync(Batch(Asking(id, 1), Asking(id, 2)), Cancellation);

            Assert.Equal(1L, await PostgresCluster.ScalarAsync(uri, "SELECT COUNT(*) FROM span_payloads"));
            Assert.Equal(0L, await PostgresCluster.ScalarAsync(uri, NeitherOrBothSql));
            await AssertAskedAsync(store, id, 2);
        }

        await cluster.ReturnAsync(uri);
    }

    [Fact]
    public async Task Write_TraceWhoseIdTheClientChose_KeepsTheOtherId()
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);
        await using (var database = await PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Cancellation))
        {
            var store = new PostgresTraceStore(database);
            var id = NewOtelId();
            await store.WriteAsync(Batch(Asking(id, 1) with { TraceId = "mine" }, Asking(id, 2) with { TraceId = "mine" }), Cancellation);

            Assert.All(await store.GetSpansAsync("mine", Cancellation), span => Assert.Equal(id, span.OtelTraceId));
            Assert.All(await store.GetSkeletonAsync("mine", Cancellation), span => Assert.Equal(id, span.OtelTraceId));
        }

        await cluster.ReturnAsync(uri);
    }

    private static SpanRecord Asking(string id, int number, long? durationMs = 100) =>
        Span(id, number, name: $"ask {number}", durationMs: durationMs, attributes: [("question", $"\"what is {number}?\"")]);

    /// <summary>All spans together, each alone, and found by its content.</summary>
    private static async Task AssertAskedAsync(PostgresTraceStore store, string id, int count)
    {
        var spans = await store.GetSpansAsync("tr-" + id, Cancellation);
        Assert.Equal(count, spans.Count);
        Assert.All(spans, span => Assert.Equal((id, $"\"{span.Name.Replace("ask", "what is", StringComparison.Ordinal)}?\""), (span.OtelTraceId, span["question"])));
        foreach (var number in (int[])[1, 2, count])
        {
            Assert.Equal($"\"what is {number}?\"", Assert.Single(await store.GetSpansAsync("tr-" + id, [SpanId(number)], Cancellation))["question"]);
            Assert.Single((await store.SearchAsync(new() { ExperimentIds = [0], Filter = $"span.attributes.question = 'what is {number}?'" }, Cancellation)).Traces);
        }
    }
}
