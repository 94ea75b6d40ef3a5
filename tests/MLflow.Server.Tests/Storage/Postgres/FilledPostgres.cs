using System.Globalization;
using MLflow.Server.Storage.Postgres;
using Xunit;

namespace MLflow.Server.Tests.Storage.Postgres;

/// <summary>A database of many traces on a server of its own that logs each statement and how it finds what it finds.</summary>
public sealed class FilledPostgres : IAsyncLifetime
{
    private const int Traces = 20_000;

    /// <summary>Traces over 20 days, each with two spans, some tags, metadata and feedback.</summary>
    private static readonly string FillSql = string.Create(CultureInfo.InvariantCulture, $"""
        INSERT INTO traces (trace_id, experiment_id, bucket, client_request_id, request_time_ms, duration_ms, state, root_name, span_count)
        SELECT 'tr-' || i, i % 2, '6026-11-01', 'r-' || i, {SomeTrace.StartMs} + i * 1000, i % 500, CASE WHEN i % 400 = 0 THEN 'ERROR' ELSE 'OK' END, 'name-' || i % 50, 2 FROM generate_series(1, {Traces}) i;
        INSERT INTO text_places SELECT 'tr-' || i, -1 FROM generate_series(1, {Traces}) i;
        INSERT INTO trace_tags SELECT 'tr-' || i, 'env', 'env-' || i % 1000 FROM generate_series(1, {Traces}) i;
        INSERT INTO trace_metadata SELECT 'tr-' || i, k, CASE k WHEN 'mlflow.trace.user' THEN 'u-' || i % 1000 WHEN 'mlflow.trace.session' THEN 's-' || i % 2000 WHEN 'mlflow.sourceRun' THEN 'run-' || i % 500 ELSE repeat('x', 50) || i END, 1
        FROM generate_series(1, {Traces}) i, unnest(ARRAY['mlflow.trace.user', 'mlflow.trace.session', 'mlflow.sourceRun', 'mlflow.trace.tokenUsage']) k;
        INSERT INTO trace_runs SELECT 'tr-' || i, 'run-' || i % 500 FROM generate_series(1, {Traces}, 10) i;
        INSERT INTO spans (trace_id, bucket, span_id, otel_trace_id, name, type, status, start_ns, end_ns)
        SELECT 'tr-' || i, '6026-11-01', s, i, 'span-' || i % 50, CASE WHEN i % 100 = 0 THEN 'TOOL' ELSE 'CHAIN' END, 'OK', 1, 2 FROM generate_series(1, {Traces}) i, generate_series(1, 2) s;
        INSERT INTO span_payloads SELECT 'tr-' || i, '6026-11-01', s, 0, '\x7b7d' FROM generate_series(1, {Traces}) i, generate_series(1, 2) s;
        INSERT INTO assessments (trace_id, assessment_id, arrival, name, type, value, value_text, source_type, metadata, create_time_ms, last_update_time_ms)
        SELECT 'tr-' || i, 'a-' || i, i, 'helpful', 'feedback', CASE WHEN i % 500 = 1 THEN 'false' ELSE 'true' END, NULL, 'HUMAN', CHR(123) || CHR(125), 1, 1 FROM generate_series(1, {Traces}, 5) i;
        INSERT INTO assessments (trace_id, assessment_id, arrival, name, type, value, value_number, source_type, metadata, create_time_ms, last_update_time_ms)
        SELECT 'tr-' || i, 'n-' || i, i, 'score', 'feedback', i % 1000, i % 1000, 'HUMAN', CHR(123) || CHR(125), 1, 1 FROM generate_series(1, {Traces}, 3) i;
        ANALYZE;
        """);

    private readonly PostgresCluster _cluster = new();
    private PostgresDatabase? _database;

    public long LogLength => new FileInfo(_cluster.Log).Length;

    internal PostgresTraceStore Store { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        if (!PostgresCluster.IsInstalled)
        {
            return;
        }

        var uri = await _cluster.CreateDatabaseAsync();
        await (await PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, default)).DisposeAsync();
        foreach (var table in (string[])["spans", "span_payloads"])
        {
            await _cluster.ExecuteAsync(uri, $"CREATE TABLE IF NOT EXISTS {table}_60261101 PARTITION OF {table} FOR VALUES FROM ('6026-11-01') TO ('6026-12-01')");
        }

        await _cluster.ExecuteAsync(uri, FillSql);
        var name = uri[(uri.LastIndexOf('/') + 1)..];
        foreach (var setting in (string[])["session_preload_libraries = auto_explain", "auto_explain.log_min_duration = 0", "auto_explain.log_verbose = off", "log_statement = 'all'"])
        {
            await _cluster.ExecuteAsync(uri, $"ALTER DATABASE {name} SET {setting}");
        }

        _database = await PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, default);
        Store = new PostgresTraceStore(_database);
    }

    /// <summary>What was logged behind a place. A statement is logged before it is answered.</summary>
    public async Task<string> LogAsync(long from)
    {
        await using var log = new FileStream(_cluster.Log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        log.Seek(from, SeekOrigin.Begin);
        using var reader = new StreamReader(log);
        return await reader.ReadToEndAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_database is not null)
        {
            await _database.DisposeAsync();
        }

        await _cluster.DisposeAsync();
    }
}
