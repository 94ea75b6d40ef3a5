using System.Globalization;
using MLflow.Server.Pricing;
using MLflow.Server.Storage;
using Xunit;

namespace MLflow.Server.Tests.Storage;

/// <summary>Rows as earlier versions wrote them, by the number of the migration after which there can be some; and how they are read after all others.</summary>
internal static class OldData
{
    private const string Trace = "tr-00000000000000000000000000000001";
    private const string OtelTrace = "00000000000000000000000000000001";
    private const string Payload = """{"a":{"mlflow.spanInputs":{"q":"東京?"},"k":1}}""";

    /// <summary>The number of a migration.</summary>
    public static int Number(string script) => int.Parse(script[(script.IndexOf('/', StringComparison.Ordinal) + 1)..][..4], CultureInfo.InvariantCulture);

    public static string[] Sqlite(int number) => number switch
    {
        1 =>
        [
            "INSERT INTO experiments (experiment_id, name, artifact_location, creation_time_ms, last_update_time_ms) VALUES (1, 'old', 'mlflow-artifacts:/1', 1, 1)",
            "INSERT INTO experiment_tags VALUES (1, 'team', 'blue')",
            $"INSERT INTO traces (trace_id, experiment_id, request_time_ms, state, root_name, span_count) VALUES ('{Trace}', 1, 1, 'OK', 'ask', 1)",
            $"INSERT INTO trace_tags VALUES ('{Trace}', 'tier', 'gold')",
            $"INSERT INTO trace_metadata VALUES ('{Trace}', 'mlflow.trace.session', 's-1', 0)",
            $"INSERT INTO spans (trace_id, span_id, otel_trace_id, name, type, status, start_ns, end_ns) VALUES ('{Trace}', '0000000000000001', '{OtelTrace}', 'ask', 'CHAIN', 'OK', 1000000, 2000000)",
            $"INSERT INTO span_payloads VALUES ('{Trace}', '0000000000000001', 0, CAST('{Payload}' AS BLOB))",
        ],
        2 => [$"INSERT INTO assessments (assessment_id, trace_id, name, type, value, source_type, create_time_ms, last_update_time_ms) VALUES ('a-1', '{Trace}', 'helpful', 'feedback', 'true', 'HUMAN', 1, 1)"],
        3 => [$"INSERT INTO trace_runs VALUES ('{Trace}', 'run-1')"],
        6 => [$"INSERT INTO span_logs (otel_trace_id, span_id, log_hash, name, time_ns, attributes, received_ms, is_waiting) VALUES ('{OtelTrace}', '0000000000000001', x'01', 'log', 1500000, '{{}}', 1, 0)"],
        7 =>
        [
            "INSERT INTO runs (run_id, experiment_id, name, user_id, status, artifact_uri) VALUES ('run-1', 1, 'run', 'me', 'FINISHED', 'mlflow-artifacts:/1/run-1')",
            "INSERT INTO run_params VALUES ('run-1', 'p', '1')",
        ],
        8 => ["INSERT INTO users (name, is_admin, default_permission, created_ms) VALUES ('ada', 1, 'Manage', 1)"],
        _ => [],
    };

    public static string[] Postgres(int number) => number switch
    {
        1 =>
        [
            "INSERT INTO experiments (experiment_id, name, artifact_location, creation_time_ms, last_update_time_ms) VALUES (1, 'old', 'mlflow-artifacts:/1', 1, 1)",
            "INSERT INTO experiment_tags (experiment_id, key, value) VALUES (1, 'team', 'blue')",
            "CREATE TABLE spans_20260101 PARTITION OF spans FOR VALUES FROM ('2026-01-01') TO ('2026-01-02')",
            "CREATE TABLE span_payloads_20260101 PARTITION OF span_payloads FOR VALUES FROM ('2026-01-01') TO ('2026-01-02')",
            $"INSERT INTO traces (trace_id, experiment_id, bucket, request_time_ms, state, root_name, span_count) VALUES ('{Trace}', 1, '2026-01-01', 1, 'OK', 'ask', 1)",
            $"INSERT INTO trace_tags (trace_id, key, value) VALUES ('{Trace}', 'tier', 'gold')",
            $"INSERT INTO trace_metadata (trace_id, key, value, derived) VALUES ('{Trace}', 'mlflow.trace.session', 's-1', 0)",
            $"INSERT INTO spans (trace_id, bucket, span_id, otel_trace_id, name, type, status, start_ns, end_ns) VALUES ('{Trace}', '2026-01-01', '0000000000000001', '{OtelTrace}', 'ask', 'CHAIN', 'OK', 1000000, 2000000)",
            $"INSERT INTO span_payloads (trace_id, bucket, span_id, codec, payload) VALUES ('{Trace}', '2026-01-01', '0000000000000001', 0, convert_to('{Payload}', 'UTF8'))",
            $"INSERT INTO assessments (assessment_id, trace_id, name, type, value, source_type, create_time_ms, last_update_time_ms, arrival) VALUES ('a-1', '{Trace}', 'helpful', 'feedback', 'true', 'HUMAN', 1, 1, 1)",
            $"INSERT INTO trace_runs (trace_id, run_id) VALUES ('{Trace}', 'run-1')",
            $"INSERT INTO span_logs (otel_trace_id, span_id, log_hash, name, time_ns, attributes, arrival, received_ms, is_waiting) VALUES ('{OtelTrace}', '0000000000000001', '\\x01', 'log', 1500000, '{{}}', 1, 1, 0)",
            "INSERT INTO runs (run_id, experiment_id, name, user_id, status, artifact_uri) VALUES ('run-1', 1, 'run', 'me', 'FINISHED', 'mlflow-artifacts:/1/run-1')",
            "INSERT INTO run_params (run_id, key, value) VALUES ('run-1', 'p', '1')",
            "INSERT INTO users (name, is_admin, default_permission, created_ms) VALUES ('ada', 1, 'Manage', 1)",
        ],
        _ => [],
    };

    /// <param name="database">The database with all migrations.</param>
    /// <param name="number">The last SQLite migration before which the rows were written; PostgreSQL had all of it in its first.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task AssertAsync(IDatabase database, int number, CancellationToken cancellationToken)
    {
        var store = database.Traces(new CallPricer(PriceTable.Shipped));
        Assert.Equal("blue", (await database.Experiments().GetAsync(1, cancellationToken))!.Tags["team"]);
        var info = Assert.Single(await store.GetInfosAsync([Trace], cancellationToken));
        Assert.Equal(("gold", "s-1"), (info.Tags["tier"], info.Metadata["mlflow.trace.session"]));
        var span = Assert.Single(await store.GetSpansAsync(Trace, cancellationToken));
        Assert.Equal(("ask", "CHAIN", """{"q":"東京?"}""", "1"), (span.Name, span.Type, span["mlflow.spanInputs"], span["k"]));
        Assert.Equal(Trace, Assert.Single((await store.SearchAsync(new() { ExperimentIds = [1], Filter = "span.attributes.k = '1' AND tags.tier = 'gold'" }, cancellationToken)).Traces).TraceId);
        Assert.Equal(number >= 2 ? ["helpful"] : [], info.Assessments.Select(assessment => assessment.Name));
        Assert.Equal(number >= 3 ? 1 : 0, await store.CountAsync(new() { ExperimentIds = [1], Filter = "run_id = 'run-1'" }, 10, cancellationToken));
        Assert.Equal(number >= 6 ? ["log"] : [], span.Events.Select(e => e.Name));
        Assert.Equal(number >= 7 ? "1" : null, (await database.Runs().GetAsync("run-1", cancellationToken))?.Params["p"]);
        Assert.Equal(number >= 8, database.Access().FindUser("ADA") is not null);
    }
}
