using Microsoft.Data.Sqlite;

namespace MLflow.Benchmarks.Server;

/// <summary>What spans weigh on the disk beside the OTLP that brought them: payloads alone, and every file of the database once the server has stopped.</summary>
internal static class BytesPart
{
    private const int Traces = 4000;
    private const int Histories = 100;
    private const int Turns = 20;

    public static async Task RunAsync(string? only)
    {
        using var report = new Report("bytes");
        report.Line($"| | spans | OTLP, bytes a span | payloads, of it | target | | all files, of it | target | |");
        report.Line($"|---|---|---|---|---|---|---|---|---|");
        var agents = new AgentTraces();
        if (only is null or "sqlite")
        {
            await MeasureFilesAsync();
        }

        if (only is null or "postgres")
        {
            await MeasureDatabaseAsync();
        }

        async Task MeasureFilesAsync()
        {
            await MeasureAsync($"SQLite, {AgentTraces.SpansOfATrace}-span traces", Enumerable.Range(0, Traces / 10).Select(i => agents.Request(i * 10, 10)), 0.25, 0.6);
            await MeasureAsync($"SQLite, {Turns}-turn histories", Enumerable.Range(0, Histories).Select(i => agents.History(i, Turns)), 0.1, 0.3);
        }

        async Task MeasureDatabaseAsync()
        {
            await using var postgres = await PostgresProcess.StartAsync();
            await MeasureInPostgresAsync(postgres, $"PostgreSQL, {AgentTraces.SpansOfATrace}-span traces", Enumerable.Range(0, Traces / 10).Select(i => agents.Request(i * 10, 10)), 0.25, 0.6);
            await MeasureInPostgresAsync(postgres, $"PostgreSQL, {Turns}-turn histories", Enumerable.Range(0, Histories).Select(i => agents.History(i, Turns)), 0.1, 0.3);
        }

        async Task MeasureAsync(string name, IEnumerable<byte[]> bodies, double payloadTarget, double allTarget)
        {
            var folder = Directory.CreateTempSubdirectory("mlflow-benchmark-");
            var database = Path.Combine(folder.FullName, "server.db");
            var otlp = await SendAsync("sqlite:///" + database, folder.FullName, bodies);
            var all = folder.EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);
            await using (var connection = new SqliteConnection($"Data Source={database};Pooling=false"))
            {
                await connection.OpenAsync();
                await using var command = connection.CreateCommand();
                command.CommandText = "SELECT COUNT(*), SUM(LENGTH(payload)) FROM span_payloads";
                await using var reader = await command.ExecuteReaderAsync();
                await reader.ReadAsync();
                Say(name, reader.GetInt64(0), otlp, reader.GetInt64(1), payloadTarget, all, allTarget);
            }

            folder.Delete(recursive: true);
        }

        async Task MeasureInPostgresAsync(PostgresProcess process, string name, IEnumerable<byte[]> bodies, double payloadTarget, double allTarget)
        {
            var folder = Directory.CreateTempSubdirectory("mlflow-benchmark-");
            var uri = await process.CreateDatabaseAsync();
            await using (await ServerProcess.StartAsync(uri, folder.FullName))
            {
            }

            await using var connection = await process.ConnectAsync(uri);
            await using var size = new Npgsql.NpgsqlCommand("SELECT pg_database_size(current_database())", connection);
            var empty = (long)(await size.ExecuteScalarAsync())!;
            var otlp = await SendAsync(uri, folder.FullName, bodies);

            // What the catalogue of an empty database weighs is not of the spans.
            var all = (long)(await size.ExecuteScalarAsync())! - empty;
            await using (var command = new Npgsql.NpgsqlCommand("SELECT COUNT(*), (SUM(COALESCE(LENGTH(frame_place), 0)) + (SELECT SUM(LENGTH(payload)) FROM span_payloads))::bigint FROM spans", connection))
            {
                await using var reader = await command.ExecuteReaderAsync();
                await reader.ReadAsync();
                Say(name, reader.GetInt64(0), otlp, reader.GetInt64(1), payloadTarget, all, allTarget);
            }

            await SayWhereAsync(connection, otlp);
            folder.Delete(recursive: true);
        }

        // Partitions count to their table, and TOAST tables to that which they belong to.
        async Task SayWhereAsync(Npgsql.NpgsqlConnection connection, long otlp)
        {
            const string sql = """
                SELECT coalesce(regexp_replace(i.relname, '_p?\d{4,}.*$', ''), regexp_replace(t.relname, '_p?\d{4,}.*$', '') || ', rows') AS part, sum(s.bytes)::bigint AS bytes
                FROM pg_class t
                JOIN LATERAL (
                    SELECT NULL::oid AS index_oid, pg_table_size(t.oid) AS bytes
                    UNION ALL
                    SELECT indexrelid, pg_relation_size(indexrelid) FROM pg_index WHERE indrelid = t.oid) s ON true
                LEFT JOIN pg_class i ON i.oid = s.index_oid
                WHERE t.relkind = 'r' AND t.relnamespace = 'public'::regnamespace
                GROUP BY part HAVING sum(s.bytes) > 100000 ORDER BY bytes DESC
                """;
            await using var command = new Npgsql.NpgsqlCommand(sql, connection);
            await using var reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync())
            {
                report.Line($"|   {reader.GetString(0)} | | | | | | {reader.GetInt64(1) / (double)otlp:0.000} | | |");
            }
        }

        static async Task<long> SendAsync(string uri, string folder, IEnumerable<byte[]> bodies)
        {
            await using var server = await ServerProcess.StartAsync(uri, folder);
            var otlp = 0L;
            foreach (var body in bodies)
            {
                otlp += body.Length;
                await server.ExportAsync(body);
            }

            await server.WaitForQueuesAsync();
            return otlp;
        }

        void Say(string name, long spans, long otlp, long payloads, double payloadTarget, long all, double allTarget)
        {
            var (payloadRatio, allRatio) = (payloads / (double)otlp, all / (double)otlp);
            report.Line($"| {name} | {spans:N0} | {otlp / spans:N0} | {payloadRatio:0.000} | ≤ {payloadTarget:0.00} | {Verdict(payloadRatio, payloadTarget)} | {allRatio:0.000} | ≤ {allTarget:0.0} | {Verdict(allRatio, allTarget)} |");
        }

        static string Verdict(double ratio, double target) => ratio <= target ? "PASS" : "MISS";
    }
}
