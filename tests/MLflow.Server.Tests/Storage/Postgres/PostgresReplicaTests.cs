using MLflow.Server.Storage;
using MLflow.Server.Storage.Postgres;
using MLflow.Server.Storage.Sqlite;
using MLflow.Server.Traces;
using Xunit;
using static MLflow.Server.Tests.Storage.SomeTrace;

namespace MLflow.Server.Tests.Storage.Postgres;

/// <summary>Several servers on one database, and a database that goes away meanwhile.</summary>
public sealed class PostgresReplicaTests(PostgresCluster cluster)
{
    private const int Writers = 32;

    private static CancellationToken Cancellation => Xunit.TestContext.Current.CancellationToken;

    [Fact]
    public async Task Write_SameTracesByManyOfTwoServers_EndsAsByOne()
    {
        var uri = await cluster.CreateDatabaseAsync();
        var ids = Enumerable.Range(0, 6).Select(_ => NewOtelId()).ToList();
        var batches = ids.SelectMany(id => Enumerable.Range(1, 9).Select(number => Batch(
            Span(id, number, parent: number == 1 ? null : 1, name: $"s{number}", startMs: number, durationMs: 100 - number, status: number == 7 ? SpanStatus.Error : SpanStatus.Ok, attributes:
            [
                ("mlflow.chat.tokenUsage", $$"""{"input_tokens": {{number}}, "output_tokens": 1}"""),
                ("mlflow.llm.model", "\"gpt-4o\""),
            ])))).ToList();
        batches.AddRange(ids.Select(id => new TraceBatch
        {
            Infos = [new TraceInfo { TraceId = "tr-" + id, ExperimentId = 0, RequestTimeMs = StartMs, State = TraceState.Ok, Tags = new Dictionary<string, string> { ["t"] = "1" }, Metadata = new Dictionary<string, string> { ["m"] = "1" } }],
        }));

        // All traces in one batch, so that whoever locks them in its own order meets others.
        batches.Add(new TraceBatch { Spans = [.. batches.SelectMany(batch => batch.Spans)] });

        await using (var first = await PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Cancellation))
        await using (var second = await PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Cancellation))
        {
            ITraceStore[] stores = [new PostgresTraceStore(first), new PostgresTraceStore(second)];
            await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(
                async () =>
                {
                    var order = batches.Concat(batches).ToArray();
                    new Random(writer).Shuffle(order);
                    foreach (var batch in order.Take(batches.Count))
                    {
                        await stores[writer % 2].WriteAsync(batch, Cancellation);
                    }

                    foreach (var batch in order)
                    {
                        await stores[writer % 2].WriteAsync(batch, Cancellation);
                    }
                },
                Cancellation)));

            using var folder = new TemporaryFolder();
            await using var reference = SqliteDatabase.Open(folder.File("mlflow.db"), TimeProvider.System);
            var expected = new SqliteTraceStore(reference);
            foreach (var batch in batches)
            {
                await expected.WriteAsync(batch, Cancellation);
            }

            string[] traceIds = [.. ids.Select(id => "tr-" + id)];
            Assert.Equivalent(await expected.GetInfosAsync(traceIds, Cancellation), await stores[0].GetInfosAsync(traceIds, Cancellation), strict: true);
            Assert.Equivalent(await expected.GetSpansAsync(traceIds[0], Cancellation), await stores[1].GetSpansAsync(traceIds[0], Cancellation), strict: true);
            Assert.Equal(0L, await PostgresCluster.ScalarAsync(uri, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"));
        }

        await cluster.ReturnAsync(uri);
    }

    [Fact]
    public async Task Write_DatabaseCrashesMeanwhile_KeepsExactlyWhatItAcknowledged()
    {
        // Of its own: others would crash with it.
        await using var own = new PostgresCluster();
        var uri = await own.CreateDatabaseAsync();
        await using var database = await PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Cancellation);
        await WriterCrowd.RunAsync(database, async written =>
        {
            for (var crash = 0; crash < 3; crash++)
            {
                await written(100);
                await own.CrashAsync();
            }

            await written(100);
        });

        // Nothing half, nothing twice: also of what was not acknowledged.
        Assert.Equal(0L, await PostgresCluster.ScalarAsync(uri, "SELECT COUNT(*) FROM traces t WHERE 3 <> (SELECT COUNT(*) FROM spans s JOIN span_payloads p ON p.trace_id = s.trace_id AND p.bucket = s.bucket AND p.span_id = COALESCE(encode(substring(s.frame_place FOR 8), 'hex'), s.span_id) WHERE s.trace_id = t.trace_id)"));
        Assert.Equal(0L, await PostgresCluster.ScalarAsync(uri, "SELECT COUNT(*) FROM spans s WHERE NOT EXISTS (SELECT 1 FROM traces t WHERE t.trace_id = s.trace_id AND t.bucket = s.bucket)"));
    }

    [Fact]
    public async Task Write_ManyNewSpansAtOnce_StoresWhatFewerAtATimeStore()
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);
        await using var database = await PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Cancellation);
        var store = new PostgresTraceStore(database);
        var (together, apart) = (NewOtelId(), NewOtelId());
        SpanRecord[] Spans(string id) =>
        [
            .. Enumerable.Range(1, 700).Select(number => Span(
                id,
                number,
                parent: number == 1 ? null : 1,
                name: $"n\0{number}\u0001\ud83d\ude00",
                status: number % 3 == 0 ? SpanStatus.Error : SpanStatus.Ok,
                startMs: number,
                durationMs: number % 5 == 0 ? null : 10,
                attributes:
                [
                    ("mlflow.chat.tokenUsage", $$"""{"input_tokens": {{number}}, "output_tokens": 1, "total_tokens": {{number + 1}}}"""),
                    ("mlflow.llm.model", "\"gpt-4o\""),
                    ("session.id", "\"s\""),
                    ("mlflow.spanInputs", $"\"{new string('x', number * 10)}\""),
                ])),
        ];

        await store.WriteAsync(Batch(Spans(together)), Cancellation);
        foreach (var part in Spans(apart).Chunk(100))
        {
            await store.WriteAsync(Batch(part), Cancellation);
        }

        var (one, other) = (await store.GetSpansAsync("tr-" + together, Cancellation), await store.GetSpansAsync("tr-" + apart, Cancellation));
        Assert.Equal(700, one.Count);
        Assert.Equal(other.Select(Said), one.Select(Said));
        static string Said(SpanRecord span) => System.Text.Json.JsonSerializer.Serialize(span).Replace(span.OtelTraceId, "id", StringComparison.Ordinal);
        const string Columns = "span_id, parent_span_id, name, type, status, status_message, start_ns, end_ns, model, input_tokens, output_tokens, total_tokens, error_type, error_message, input_cost, output_cost, session, user_name";
        Assert.Equal(0L, await PostgresCluster.ScalarAsync(uri, $"SELECT COUNT(*) FROM (SELECT {Columns} FROM spans WHERE trace_id = 'tr-{together}' EXCEPT SELECT {Columns} FROM spans WHERE trace_id = 'tr-{apart}') d"));
        var infos = await store.GetInfosAsync(["tr-" + together, "tr-" + apart], Cancellation);
        Assert.Equivalent(infos[1].Facts, infos[0].Facts, strict: true);
        Assert.Equivalent(infos[1].Metadata, infos[0].Metadata, strict: true);
    }

    [Fact]
    public async Task Open_ByManyAtOnce_MigratesOnce()
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);

        var databases = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(() => PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Cancellation), Cancellation)));

        foreach (var database in databases)
        {
            Assert.Equal("Default", (await new PostgresExperimentStore(database).GetAsync(0, Cancellation))!.Name);
            await database.DisposeAsync();
        }

        var scripts = typeof(PostgresDatabase).Assembly.GetManifestResourceNames().LongCount(name => name.StartsWith("postgres/", StringComparison.Ordinal));
        Assert.Equal(scripts, await PostgresCluster.ScalarAsync(uri, "SELECT COUNT(*) FROM schema_versions"));
    }

    [Theory]
    [InlineData("CREATE TABLE alembic_version (version_num TEXT)", "was made by Python's MLflow and is left untouched; bring its traces over with 'mlflow import'")]
    [InlineData("CREATE TABLE orders (id INTEGER)", "belongs to another program and is left untouched")]
    [InlineData("CREATE TABLE schema_versions (script_name TEXT); INSERT INTO schema_versions VALUES ('postgres/9999_later.sql')", "was made by a newer version of this server (it has the migration 'postgres/9999_later.sql')")]
    public async Task Open_DatabaseThatIsNotOurs_IsRefusedUntouched(string sql, string reason)
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);
        await cluster.ExecuteAsync(uri, sql);

        var e = await Assert.ThrowsAsync<DatabaseOpenException>(() => PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Cancellation));

        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
        Assert.Equal(1L, await PostgresCluster.ScalarAsync(uri, "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'"));
    }

    [Theory]
    [InlineData("postgresql://me:secret%20word@127.0.0.1:1/traces", "'traces' on 127.0.0.1", "'me'")]
    [InlineData("wrong password", "'postgres' on 127.0.0.1", "'postgres'")]
    public async Task Open_WhereItCannotConnect_NamesHostDatabaseAndUserAndNoPassword(string uri, string place, string user)
    {
        var empty = await cluster.CreateDatabaseAsync(isEmpty: true);
        var options = new MlflowServerOptions { Port = 0, BackendStoreUri = uri == "wrong password" ? empty[..empty.LastIndexOf('/')].Replace("secret%20word", "secret%20words", StringComparison.Ordinal) + "/postgres" : uri };

        var e = await Assert.ThrowsAsync<MlflowServerStartException>(() => MlflowServer.StartAsync(options, Cancellation));

        Assert.Contains(place, e.Message, StringComparison.Ordinal);
        Assert.Contains(user, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", e.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }
}
