using Npgsql;

namespace MLflow.Server.Storage.Postgres;

/// <summary>
/// Spreads the tables over the machines of a Citus cluster: what belongs to a trace by the trace's id, so that it is on one machine with all else of the trace,
/// what knows OpenTelemetry's id only by that, and what is small to each machine. Users, tokens and the like stay on the coordinator.
/// </summary>
internal static class PostgresDistribution
{
    private static readonly string[] ReferenceTables = ["experiments", "experiment_tags", "runs", "run_tags", "run_params", "run_metrics", "saved_views"];

    private const string HasCitusSql = "SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus')";

    private const string SelectDistributedSql = "SELECT logicalrelid::text FROM pg_dist_partition";

    // By the first column of the primary key. Partitions follow their table.
    private const string SelectTablesSql = """
        SELECT t.relname::text, a.attname::text
        FROM pg_class t JOIN pg_index i ON i.indrelid = t.oid AND i.indisprimary JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
        WHERE t.relnamespace = current_schema()::regnamespace AND NOT t.relispartition AND a.attname IN ('trace_id', 'otel_trace_id')
        ORDER BY t.relname NOT IN ('traces', 'span_logs'), t.relname
        """;

    private const string SelectFunctionsSql = "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'mlflow\\_%' ORDER BY 1";

    /// <summary>Distributes what is not distributed yet.</summary>
    /// <param name="database">The coordinator.</param>
    /// <param name="shown">What it is called.</param>
    /// <param name="isDryRun">Whether it only says what it would do.</param>
    /// <param name="cancellationToken">Ends it between two statements.</param>
    /// <returns>The statements, in their order.</returns>
    /// <exception cref="DatabaseOpenException">The database has no Citus, or refuses a statement.</exception>
    public static async Task<IReadOnlyList<string>> RunAsync(PostgresDatabase database, string shown, bool isDryRun, CancellationToken cancellationToken)
    {
        var statements = new List<string>();
        await database.RunAsync(
            async session =>
            {
                var hasCitus = (await session.QueryAsync(HasCitusSql, row => row.Boolean(0)).ConfigureAwait(false))[0];
                if (!hasCitus && !isDryRun)
                {
                    throw new DatabaseOpenException(
                        $"The database {shown} has no extension 'citus', and nothing was changed. Install Citus on every machine, add it to shared_preload_libraries, run CREATE EXTENSION citus in this database on each of them, "
                        + "and citus_set_coordinator_host and citus_add_node on the coordinator; then run this again. --dry-run shows what it would do.");
                }

                var done = hasCitus ? await session.QueryAsync(SelectDistributedSql, row => row.Text(0)).ConfigureAwait(false) : [];
                statements.AddRange(await StatementsAsync(session, done).ConfigureAwait(false));
                if (!isDryRun)
                {
                    foreach (var statement in statements)
                    {
                        cancellationToken.ThrowIfCancellationRequested();
                        await ExecuteAsync(session, shown, statement).ConfigureAwait(false);
                    }
                }
            },
            cancellationToken).ConfigureAwait(false);
        return statements;
    }

    private static async Task<List<string>> StatementsAsync(PostgresSession session, List<string> done)
    {
        var statements = new List<string>();
        var first = new Dictionary<string, string>();
        foreach (var (table, column) in await session.QueryAsync(SelectTablesSql, row => (row.Text(0), row.Text(1))).ConfigureAwait(false))
        {
            first.TryAdd(column, table);
            if (!done.Contains(table))
            {
                statements.Add($"SELECT create_distributed_table('{table}', '{column}', colocate_with => '{(first[column] == table ? "none" : first[column])}')");
                statements.Add(Truncate(table));
            }
        }

        foreach (var table in ReferenceTables.Where(table => !done.Contains(table)))
        {
            statements.Add($"SELECT create_reference_table('{table}')");
            statements.Add(Truncate(table));
        }

        // Also those that the machines have by now: that changes nothing.
        statements.AddRange(await session.QueryAsync(SelectFunctionsSql, row => $"SELECT create_distributed_function('{row.Text(0)}')").ConfigureAwait(false));
        return statements;
    }

    // The rows have been copied to the machines.
    private static string Truncate(string table) => $"SELECT truncate_local_data_after_distributing_table('{table}')";

    private static async Task ExecuteAsync(PostgresSession session, string shown, string statement)
    {
        try
        {
            await session.ExecuteAsync(statement).ConfigureAwait(false);
        }
        catch (PostgresException e)
        {
            throw new DatabaseOpenException($"The database {shown} refused '{statement}': {PostgresFailure.Text(e)} What was distributed before stays so; see to it, and run this again.", e);
        }
    }
}
