using Npgsql;

namespace MLflow.Server.Storage.Postgres;

/// <summary>
/// Creates our tables or brings them up to date, and refuses databases that are not ours before anything in them is changed.
/// Of several servers that start at once, one does it and the others wait.
/// </summary>
internal static class PostgresMigrator
{
    private const string ScriptPrefix = "postgres/";

    // The table says which scripts have run.
    private const string Journal = "schema_versions";

    /// <summary>"MLflow" in ASCII; locks are of one database each.</summary>
    private const long MigrationLock = 0x4D4C666C6F77;

    private const string SelectTablesSql = "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()";

    private const string SelectScriptsSql = $"SELECT script_name FROM {Journal}";

    private const string CreateJournalSql = $"CREATE TABLE IF NOT EXISTS {Journal} (script_name TEXT PRIMARY KEY, applied TIMESTAMPTZ NOT NULL DEFAULT now())";

    private const string InsertScriptSql = $"INSERT INTO {Journal} (script_name) VALUES ($1)";

    /// <exception cref="DatabaseOpenException">The database is not ours.</exception>
    public static async Task MigrateAsync(NpgsqlConnection connection, string shown, CancellationToken cancellationToken)
    {
        var encoding = (await ReadStringsAsync(connection, "SHOW server_encoding", cancellationToken).ConfigureAwait(false)).Single();
        if (encoding != "UTF8")
        {
            throw new DatabaseOpenException($"The database {shown} is encoded in {encoding}, which cannot hold every text; create one with ENCODING 'UTF8' and name it in --backend-store-uri.");
        }

        await RefuseForeignAsync(connection, shown, cancellationToken).ConfigureAwait(false);

        // Held by the session, so that each script is a transaction of its own; gone with the connection.
        await ExecuteAsync(connection, $"SELECT pg_advisory_lock({MigrationLock})", cancellationToken).ConfigureAwait(false);
        try
        {
            await RunScriptsAsync(connection, shown, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (connection.State == System.Data.ConnectionState.Open)
            {
                await ExecuteAsync(connection, $"SELECT pg_advisory_unlock({MigrationLock})", CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    private static async Task RefuseForeignAsync(NpgsqlConnection connection, string shown, CancellationToken cancellationToken)
    {
        var tables = await ReadStringsAsync(connection, SelectTablesSql, cancellationToken).ConfigureAwait(false);
        if (tables.Contains("alembic_version"))
        {
            throw new DatabaseOpenException(
                $"The database {shown} was made by Python's MLflow and is left untouched; bring its traces over with 'mlflow import', or name another database in --backend-store-uri.");
        }

        if (tables.Count > 0 && !tables.Contains(Journal))
        {
            throw new DatabaseOpenException($"The database {shown} belongs to another program and is left untouched; name an empty one in --backend-store-uri.");
        }

        if (tables.Contains(Journal))
        {
            await AppliedAsync(connection, shown, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task RunScriptsAsync(NpgsqlConnection connection, string shown, CancellationToken cancellationToken)
    {
        await ExecuteAsync(connection, CreateJournalSql, cancellationToken).ConfigureAwait(false);

        // Read again: another server may have done it while this one waited.
        var applied = await AppliedAsync(connection, shown, cancellationToken).ConfigureAwait(false);
        foreach (var script in Scripts().Where(script => !applied.Contains(script)))
        {
            using var reader = new StreamReader(typeof(PostgresMigrator).Assembly.GetManifestResourceStream(script)!);
            var sql = await reader.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
            var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            await using (transaction.ConfigureAwait(false))
            {
                await ExecuteAsync(connection, sql, cancellationToken).ConfigureAwait(false);
                await ExecuteAsync(connection, InsertScriptSql, cancellationToken, script).ConfigureAwait(false);
                await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static async Task<HashSet<string>> AppliedAsync(NpgsqlConnection connection, string shown, CancellationToken cancellationToken)
    {
        var applied = await ReadStringsAsync(connection, SelectScriptsSql, cancellationToken).ConfigureAwait(false);
        var known = Scripts().ToHashSet();
        return applied.FirstOrDefault(script => !known.Contains(script)) is { } unknown
            ? throw new DatabaseOpenException($"The database {shown} was made by a newer version of this server (it has the migration '{unknown}') and is left untouched; use that version.")
            : applied;
    }

    private static IEnumerable<string> Scripts() =>
        typeof(PostgresMigrator).Assembly.GetManifestResourceNames().Where(name => name.StartsWith(ScriptPrefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    private static async Task<HashSet<string>> ReadStringsAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(sql, connection);
        await using (command.ConfigureAwait(false))
        {
            var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                var strings = new HashSet<string>();
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    strings.Add(reader.GetString(0));
                }

                return strings;
            }
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken, params string[] values)
    {
        // Waiting for another server's migration may take as long as that.
        var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await using (command.ConfigureAwait(false))
        {
            foreach (var value in values)
            {
                command.Parameters.Add(new NpgsqlParameter { Value = value });
            }

            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
