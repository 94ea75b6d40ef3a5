using MLflow.Server.Storage;
using MLflow.Server.Storage.Postgres;
using Xunit;

namespace MLflow.Server.Tests.Storage.Postgres;

public sealed class PostgresMigratorTests(PostgresCluster cluster)
{
    public static TheoryData<int> Versions => [.. Enumerable.Range(1, Scripts().Count)];

    private static CancellationToken Cancellation => Xunit.TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Open_DatabaseOfAnEarlierVersion_KeepsWhatIsInItAndTakesMore(int version)
    {
        var uri = await BuildAsync(version);

        await using var database = await PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Cancellation);
        var store = new PostgresTraceStore(database);
        await store.WriteAsync(SomeTrace.Batch(SomeTrace.Span(SomeTrace.NewOtelId(), 1)), Cancellation);

        await OldData.AssertAsync(database, int.MaxValue, Cancellation);
        Assert.Equal(2, await store.CountAsync(new() { ExperimentIds = [0, 1] }, 10, Cancellation));
    }

    [Fact]
    public async Task Open_ByManyAtOnce_RunsEachScriptOnce()
    {
        var uri = await BuildAsync(1);

        var databases = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Cancellation)));

        Assert.Equal((long)Scripts().Count, await PostgresCluster.ScalarAsync(uri, "SELECT COUNT(*) FROM schema_versions"));
        foreach (var database in databases)
        {
            await database.DisposeAsync();
        }
    }

    [Fact]
    public async Task Open_WhileAServerOfTheVersionBeforeWrites_ItsTraceHasItsPlaceToo()
    {
        var uri = await BuildAsync(Scripts().FindIndex(script => OldData.Number(script) == 12));
        Task<PostgresDatabase> opening;
        await using (var old = await PostgresCluster.ConnectAsync(uri))
        {
            await using var transaction = await old.BeginTransactionAsync(Cancellation);
            await PostgresCluster.ExecuteAsync(
                old, "INSERT INTO traces (trace_id, experiment_id, bucket, request_time_ms, state, root_name, span_count) VALUES ('tr-late', 1, '2026-01-01', 1, 'OK', 'late', 1)");
            opening = PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Cancellation);
            await PostgresCluster.WaitForLockAsync(uri);
            await transaction.CommitAsync(Cancellation);
        }

        await using var database = await opening;
        Assert.Equal(1L, await PostgresCluster.ScalarAsync(uri, "SELECT COUNT(*) FROM text_places WHERE trace_id = 'tr-late'"));
    }

    [Fact]
    public async Task Open_WhatIsNotThere_SaysHowToGetIt()
    {
        var uri = new UriBuilder(await cluster.CreateDatabaseAsync(isEmpty: true)) { Path = "/missing" }.Uri.AbsoluteUri;

        var failure = await Assert.ThrowsAsync<DatabaseOpenException>(() => PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Cancellation));

        Assert.EndsWith("database \"missing\" does not exist. Make it, as by 'createdb missing', or correct --backend-store-uri.", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("28P01", "Give the right user and password: in MLFLOW_BACKEND_STORE_URI, or the password in PGPASSWORD or ~/.pgpass")]
    [InlineData("28000", "Give the right user and password: in MLFLOW_BACKEND_STORE_URI, or the password in PGPASSWORD or ~/.pgpass")]
    [InlineData("53300", "See to it")]
    public void WayOut_OfARefusal_IsThatOfItsCode(string code, string expected) =>
        Assert.Equal(expected, PostgresFailure.WayOut(new Npgsql.PostgresException("no", "FATAL", "FATAL", code), "mlflow"));

    [Fact]
    public async Task Open_DatabaseOfANewerVersion_IsRefusedInOneSentence()
    {
        var uri = await BuildAsync(Scripts().Count);
        await cluster.ExecuteAsync(uri, "INSERT INTO schema_versions (script_name) VALUES ('postgres/9999_future.sql')");

        var failure = await Assert.ThrowsAsync<DatabaseOpenException>(() => PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Cancellation));

        Assert.EndsWith("was made by a newer version of this server (it has the migration 'postgres/9999_future.sql') and is left untouched; use that version.", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>Makes a database as the first <paramref name="version"/> scripts leave it, with rows in its tables.</summary>
    private async Task<string> BuildAsync(int version)
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);
        await cluster.ExecuteAsync(uri, "CREATE TABLE schema_versions (script_name TEXT PRIMARY KEY, applied TIMESTAMPTZ NOT NULL DEFAULT now())");
        foreach (var script in Scripts().Take(version))
        {
            using var reader = new StreamReader(typeof(PostgresMigrator).Assembly.GetManifestResourceStream(script)!);
            await cluster.ExecuteAsync(uri, $"BEGIN;\n{await reader.ReadToEndAsync(Cancellation)}\nCOMMIT");
            await cluster.ExecuteAsync(uri, $"INSERT INTO schema_versions (script_name) VALUES ('{script}')");
            foreach (var sql in OldData.Postgres(OldData.Number(script)))
            {
                await cluster.ExecuteAsync(uri, sql);
            }
        }

        return uri;
    }

    private static List<string> Scripts() => [.. typeof(PostgresMigrator).Assembly.GetManifestResourceNames().Where(name => name.StartsWith("postgres/", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
}
