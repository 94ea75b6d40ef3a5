using MLflow.Server.Storage.Postgres;
using Xunit;

namespace MLflow.Server.Tests.Storage.Postgres;

/// <summary><c>mlflow db distribute</c> where there is no Citus: what it would do, and that nothing in the schema stands in its way.</summary>
public sealed class PostgresDistributionTests(PostgresCluster cluster)
{
    private static CancellationToken Cancellation => Xunit.TestContext.Current.CancellationToken;

    [Fact]
    public async Task Distribute_WithoutCitus_SaysWhatIsMissingAndChangesNothing()
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);

        var e = await Assert.ThrowsAsync<MlflowServerStartException>(() => MlflowDatabase.DistributeAsync(uri, cancellationToken: Cancellation));

        Assert.Contains("has no extension 'citus', and nothing was changed. Install Citus on every machine", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DryRun_NamesEachTableOnceBesideThoseThatStay()
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);

        var statements = await MlflowDatabase.DistributeAsync(uri, dryRun: true, Cancellation);

        Assert.Equal("SELECT create_distributed_table('span_logs', 'otel_trace_id', colocate_with => 'none')", statements[0]);
        Assert.Equal("SELECT truncate_local_data_after_distributing_table('span_logs')", statements[1]);
        Assert.Equal("SELECT create_distributed_table('traces', 'trace_id', colocate_with => 'none')", statements[2]);
        Assert.Contains("SELECT create_distributed_table('spans', 'trace_id', colocate_with => 'traces')", statements);
        Assert.Contains("SELECT create_distributed_table('trace_aliases', 'otel_trace_id', colocate_with => 'span_logs')", statements);
        Assert.Contains("SELECT create_reference_table('experiments')", statements);
        Assert.Contains("SELECT create_distributed_function('mlflow_json_number(text,text)')", statements);

        // What grows with the traces is spread: every table that speaks of traces.
        var ofTraces = (string)(await PostgresCluster.ScalarAsync(uri, """
            SELECT string_agg(DISTINCT t.relname, ' ') FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname IN ('trace_id', 'otel_trace_id')
            WHERE t.relkind IN ('r', 'p') AND NOT t.relispartition AND t.relnamespace = 'public'::regnamespace
            """))!;
        Assert.All(ofTraces.Split(' '), table => Assert.Single(statements, statement => statement.StartsWith($"SELECT create_distributed_table('{table}', ", StringComparison.Ordinal)));
        Assert.Equal(0L, await PostgresCluster.ScalarAsync(uri, "SELECT COUNT(*) FROM pg_extension WHERE extname = 'citus'"));
    }

    [Fact]
    public async Task Distribute_OfAFile_IsRefused()
    {
        var e = await Assert.ThrowsAsync<MlflowServerStartException>(() => MlflowDatabase.DistributeAsync("sqlite:///traces.db", dryRun: true, Cancellation));

        Assert.Equal("'sqlite:///traces.db' is a file, and only a database of PostgreSQL can be distributed: name the coordinator's in --backend-store-uri.", e.Message);
    }

    [Fact]
    public async Task Columns_OfDistributedTables_AreMadeByNoSequenceAndNoExpression()
    {
        var uri = await cluster.CreateDatabaseAsync(isEmpty: true);
        await using (await PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Cancellation))
        {
            Assert.Null(Nullable(await PostgresCluster.ScalarAsync(uri, """
                SELECT string_agg(t.relname || '.' || a.attname, ' ')
                FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_attribute k ON k.attrelid = t.oid AND k.attnum = i.indkey[0] AND k.attname IN ('trace_id', 'otel_trace_id')
                JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0
                LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum
                WHERE i.indisprimary AND t.relnamespace = 'public'::regnamespace AND (a.attidentity <> '' OR a.attgenerated <> '' OR pg_get_expr(d.adbin, d.adrelid) LIKE '%nextval%')
                """)));
        }

        static object? Nullable(object? value) => value is DBNull ? null : value;
    }
}
