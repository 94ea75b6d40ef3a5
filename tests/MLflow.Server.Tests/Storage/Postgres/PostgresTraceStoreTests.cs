using MLflow.Server.Storage;
using MLflow.Server.Storage.Postgres;
using MLflow.Server.Traces;
using Xunit;

namespace MLflow.Server.Tests.Storage.Postgres;

public sealed class PostgresTraceStoreTests(PostgresCluster cluster) : TraceStoreConformance
{
    private string? _uri;
    private PostgresDatabase? _database;

    private protected override ITextIndex Index => field ??= _database!.TextIndex();

    private protected override IAssessmentStore Assessments => new PostgresAssessmentStore(_database!);

    private protected override async Task<(ITraceStore Traces, IExperimentStore Experiments)> OpenAsync()
    {
        _uri = await cluster.CreateDatabaseAsync();
        _database = await PostgresDatabase.OpenAsync(_uri, Clock, null, Cancellation);
        return (new PostgresTraceStore(_database), new PostgresExperimentStore(_database));
    }

    private protected override async Task<long> PageBytesAsync() =>
        (await _database!.ReadAsync(session => session.QueryAsync("SELECT COALESCE(SUM(length(grams)), 0) FROM text_pages", row => row.Int64(0)), Cancellation))[0];

    [Fact]
    public async Task Write_ConnectionEndsBetweenAnyTwoWrites_IsWrittenOnce()
    {
        var isOver = false;
        for (var write = 0; !isOver; write++)
        {
            Assert.InRange(write, 0, 500);
            var id = SomeTrace.NewOtelId();
            await Store.WriteAsync(SomeTrace.Batch(SomeTrace.Span(id, 2, parent: 1)), Cancellation);
            await FailAtAsync(write, "PERFORM pg_terminate_backend(pg_backend_pid())");

            await Store.WriteAsync(
                new TraceBatch
                {
                    Spans = [SomeTrace.Span(id, 1, attributes: ("session.id", "\"s\"")), SomeTrace.Span(id, 2, parent: 1), SomeTrace.Span(id, 3, parent: 1)],
                    Infos = [SomeTrace.Info(id) with { Tags = new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" } }],
                },
                Cancellation);

            isOver = (long)(await PostgresCluster.ScalarAsync(_uri!, "SELECT last_value FROM failpoint.writes"))! < write;
            Assert.Equal(3, (await Store.GetSpansAsync("tr-" + id, Cancellation)).Count);
            var info = Assert.Single(await Store.GetInfosAsync(["tr-" + id], Cancellation));
            Assert.Equal((3, "1", "2", "s"), (info.Facts.SpanCount, info.Tags["a"], info.Tags["b"], info.Metadata["mlflow.trace.session"]));
        }

        await FailAtAsync(null, "statement");
    }

    private protected override async Task FailAtAsync(int? write, string failure)
    {
        // A sequence counts on where transactions do not.
        await cluster.ExecuteAsync(_uri!, $$"""
            DROP SCHEMA IF EXISTS failpoint CASCADE;
            CREATE SCHEMA failpoint;
            CREATE SEQUENCE failpoint.writes MINVALUE 0 START 0;
            CREATE FUNCTION failpoint.pass() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN
                IF nextval('failpoint.writes') = {{write ?? -1}} THEN
                    {{(failure == "statement" ? "RAISE EXCEPTION 'failpoint'" : failure)}};
                END IF;
                RETURN COALESCE(NEW, OLD);
            END $f$;
            DO $d$ DECLARE t text; BEGIN
                FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition LOOP
                    EXECUTE format('CREATE TRIGGER failpoint BEFORE INSERT OR UPDATE OR DELETE ON public.%I FOR EACH ROW EXECUTE FUNCTION failpoint.pass()', t);
                END LOOP;
            END $d$;
            """);
        if (write is null)
        {
            // With it go its triggers.
            await cluster.ExecuteAsync(_uri!, "DROP SCHEMA failpoint CASCADE");
        }
    }

    [Fact]
    public async Task Sweep_TracesThatWereDeletedBySql_LosesTheirPlaces()
    {
        await Store.WriteAsync(SomeTrace.Batch(SomeTrace.Span(SomeTrace.NewOtelId(), 1)), Cancellation);
        await Index.IndexAsync(now: true, Cancellation);
        await Store.WriteAsync(SomeTrace.Batch(SomeTrace.Span(SomeTrace.NewOtelId(), 1)), Cancellation);
        await cluster.ExecuteAsync(_uri!, "DELETE FROM traces");

        while (await Index.SweepAsync(Cancellation))
        {
        }

        Assert.Equal(0L, await PostgresCluster.ScalarAsync(_uri!, "SELECT COUNT(*) FROM text_places"));
        Assert.Equal(0, await Index.CountWaitingAsync(Cancellation));
    }

    [Fact]
    public async Task Sweep_TraceOfAServerThatKnowsNoPlaces_WaitsToBeIndexed()
    {
        await Store.WriteAsync(SomeTrace.Batch(SomeTrace.Span(SomeTrace.NewOtelId(), 1)), Cancellation);
        await cluster.ExecuteAsync(_uri!, "DELETE FROM text_places");
        Assert.Equal(0, await Index.CountWaitingAsync(Cancellation));

        while (await Index.SweepAsync(Cancellation))
        {
        }

        Assert.Equal(1, await Index.CountWaitingAsync(Cancellation));
    }

    private protected override async Task<IReadOnlyList<string>> DumpAsync()
    {
        var rows = new List<string>();
        foreach (var table in ((string)(await PostgresCluster.ScalarAsync(
            _uri!, "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'rollup_marks'"))!).Split(','))
        {
            rows.Add(table + ": " + await PostgresCluster.ScalarAsync(_uri!, $"SELECT string_agg(row, E'\n' ORDER BY row) FROM (SELECT (to_jsonb(t) - 'place')::text AS row FROM {table} t) AS rows"));
        }

        return rows;
    }

    protected override async Task CloseAsync()
    {
        if (_database is not null)
        {
            await _database.DisposeAsync();
            await cluster.ReturnAsync(_uri!);
        }
    }
}
