using System.Text;

namespace MLflow.EndToEnd.Tests.Cli;

/// <summary>The tables of MLflow's own server, as far as traces need them, and rows as its versions write them. The statements are SQL that SQLite and PostgreSQL both know.</summary>
internal static class MlflowDatabaseFixture
{
    public const string New = "tr-ae3d563ee6c2a5fad75917f58987a2b8";
    public const string Running = "tr-0123456789abcdef0123456789abcdef";
    public const string OfDeleted = "tr-ffffffffffffffffffffffffffffff01";
    public const string Old = "87d9531769864476a49ed418390c28e9";
    public const string Attachment = "7f0c9a52-5b1a-4f0e-8a38-6a4c0e8f6d11";

    private const long StartNs = 1_795_399_326_331_675_252;

    /// <summary>3.11: spans, assessments and links to runs in the database.</summary>
    public static string Current()
    {
        var sql = new StringBuilder(
            """
            CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
            INSERT INTO alembic_version VALUES ('bf29a5ff90ea');
            CREATE TABLE experiments (experiment_id INTEGER NOT NULL, name VARCHAR(256) NOT NULL, artifact_location VARCHAR(256), lifecycle_stage VARCHAR(32), creation_time BIGINT, last_update_time BIGINT,
                workspace VARCHAR(63) NOT NULL DEFAULT 'default', CONSTRAINT experiment_pk PRIMARY KEY (experiment_id), UNIQUE (workspace, name));
            CREATE TABLE experiment_tags (key VARCHAR(250) NOT NULL, value VARCHAR(5000), experiment_id INTEGER NOT NULL, CONSTRAINT experiment_tag_pk PRIMARY KEY (key, experiment_id));
            CREATE TABLE trace_info (request_id VARCHAR(50) NOT NULL PRIMARY KEY, experiment_id INTEGER NOT NULL, timestamp_ms BIGINT NOT NULL, execution_time_ms BIGINT, status VARCHAR(50) NOT NULL,
                client_request_id VARCHAR(50), request_preview VARCHAR(1000), response_preview VARCHAR(1000));
            CREATE TABLE trace_tags (key VARCHAR(250) NOT NULL, value VARCHAR(8000), request_id VARCHAR(50) NOT NULL, PRIMARY KEY (key, request_id));
            CREATE TABLE trace_request_metadata (key VARCHAR(250) NOT NULL, value VARCHAR(8000), request_id VARCHAR(50) NOT NULL, PRIMARY KEY (key, request_id));
            CREATE TABLE spans (trace_id VARCHAR(50) NOT NULL, experiment_id INTEGER NOT NULL, span_id VARCHAR(50) NOT NULL, parent_span_id VARCHAR(50), name TEXT, type VARCHAR(500), status VARCHAR(50) NOT NULL,
                start_time_unix_nano BIGINT NOT NULL, end_time_unix_nano BIGINT, content TEXT NOT NULL, PRIMARY KEY (trace_id, span_id));
            CREATE TABLE assessments (assessment_id VARCHAR(50) NOT NULL PRIMARY KEY, trace_id VARCHAR(50) NOT NULL, name VARCHAR(250) NOT NULL, assessment_type VARCHAR(20) NOT NULL, value TEXT NOT NULL, error TEXT,
                created_timestamp BIGINT NOT NULL, last_updated_timestamp BIGINT NOT NULL, source_type VARCHAR(50) NOT NULL, source_id VARCHAR(250), run_id VARCHAR(32), span_id VARCHAR(50), rationale TEXT,
                overrides VARCHAR(50), valid BOOLEAN NOT NULL, assessment_metadata TEXT);
            CREATE TABLE entity_associations (association_id VARCHAR(36) NOT NULL, source_type VARCHAR(36) NOT NULL, source_id VARCHAR(36) NOT NULL, destination_type VARCHAR(36) NOT NULL, destination_id VARCHAR(36) NOT NULL,
                created_time BIGINT, PRIMARY KEY (source_type, source_id, destination_type, destination_id));
            INSERT INTO experiments VALUES (0, 'Default', 'mlflow-artifacts:/0', 'active', 1, 1, 'default');
            INSERT INTO experiments VALUES (7, 'weather 天気', 'mlflow-artifacts:/7', 'active', 1, 1, 'default');
            INSERT INTO experiments VALUES (8, 'over', 'mlflow-artifacts:/8', 'deleted', 1, 1, 'default');
            INSERT INTO experiments VALUES (9, 'weather 天気', 'mlflow-artifacts:/9', 'active', 1, 1, 'team');
            INSERT INTO experiment_tags VALUES ('team', 'blue', 7);

            """);
        sql.AppendLine(Info(New, 7, 1_795_399_326_331, 468, "OK", "'req-1'", "'{\"x\": 5}'", "'7'"))
            .AppendLine(Pairs("trace_tags", New, ("mlflow.traceName", "add"), ("mlflow.artifactLocation", $"mlflow-artifacts:/7/traces/{New}/artifacts"), ("mlflow.trace.spansLocation", "TRACKING_STORE"), ("tier", "gold")))
            .AppendLine(Pairs("trace_request_metadata", New, ("mlflow.trace.session", "s-1"), ("mlflow.trace_schema.version", "3"), ("mlflow.trace.tokenUsage", "{\"input_tokens\": 9, \"output_tokens\": 12, \"total_tokens\": 21}")))
            .AppendLine(Span(New, 7, "Jl5Sh1+ucl8=", null, "add", "CHAIN", 0))
            .AppendLine(Span(New, 7, "AAAAAAAAAAI=", "Jl5Sh1+ucl8=", "call 東京", "TOOL", 1000))
            .AppendLine($"INSERT INTO assessments VALUES ('a-1', '{New}', 'helpful', 'feedback', 'true', NULL, 1795399327000, 1795399327000, 'HUMAN', 'bob', NULL, NULL, 'right city', NULL, TRUE, '{{\"m\": \"1\"}}');")
            .AppendLine($"INSERT INTO assessments VALUES ('a-2', '{New}', 'facts', 'expectation', '[\"a\", \"b\"]', NULL, 1795399327000, 1795399327000, 'HUMAN', 'bob', NULL, NULL, NULL, NULL, TRUE, NULL);")
            .AppendLine($"INSERT INTO assessments VALUES ('a-3', '{New}', 'judge', 'feedback', 'null', '{{\"error_code\": \"ValueError\", \"error_message\": \"no\"}}', 1795399327000, 1795399327000, 'LLM_JUDGE', 'gpt', NULL, NULL, NULL, NULL, TRUE, NULL);")
            .AppendLine($"INSERT INTO entity_associations VALUES ('1', 'trace', '{New}', 'run', 'run1', 1);")
            .AppendLine(Info(Running, 7, 1_795_399_326_331, null, "IN_PROGRESS", "NULL", "NULL", "NULL"))
            .AppendLine(Info(OfDeleted, 8, 1_795_399_320_000, 1, "ERROR", "NULL", "NULL", "NULL"))
            .AppendLine(Span(OfDeleted, 8, "AAAAAAAAAAM=", null, "gone", "LLM", 0));
        for (var i = 1; i <= 45; i++)
        {
            sql.AppendLine(Info($"tr-{i:x32}", 0, 1_795_399_000_000 + i / 3, 5, "OK", "NULL", "NULL", "NULL")).AppendLine(Span($"tr-{i:x32}", 0, "AAAAAAAAAAE=", null, $"many {i}", "UNKNOWN", i));
        }

        return sql.ToString();
    }

    /// <summary>2.14: no spans, previews or assessments in the database; the spans are an artifact.</summary>
    public static string Before() =>
        $"""
        CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
        INSERT INTO alembic_version VALUES ('5b0e9adcef9c');
        CREATE TABLE experiments (experiment_id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(256) NOT NULL UNIQUE, artifact_location VARCHAR(256), lifecycle_stage VARCHAR(32), creation_time BIGINT, last_update_time BIGINT);
        CREATE TABLE experiment_tags (key VARCHAR(250) NOT NULL, value VARCHAR(5000), experiment_id INTEGER NOT NULL, PRIMARY KEY (key, experiment_id));
        CREATE TABLE trace_info (request_id VARCHAR(50) NOT NULL PRIMARY KEY, experiment_id INTEGER NOT NULL, timestamp_ms BIGINT NOT NULL, execution_time_ms BIGINT, status VARCHAR(50) NOT NULL);
        CREATE TABLE trace_tags (key VARCHAR(250) NOT NULL, value VARCHAR(250), request_id VARCHAR(50) NOT NULL, PRIMARY KEY (key, request_id));
        CREATE TABLE trace_request_metadata (key VARCHAR(250) NOT NULL, value VARCHAR(250), request_id VARCHAR(50) NOT NULL, PRIMARY KEY (key, request_id));
        INSERT INTO experiments VALUES (3, 'old', 'mlflow-artifacts:/3', 'active', 1, 1);
        INSERT INTO trace_info VALUES ('{Old}', 3, 1700000000000, 12, 'OK');
        INSERT INTO trace_tags VALUES ('mlflow.artifactLocation', 'mlflow-artifacts:/3/traces/{Old}/artifacts', '{Old}');
        INSERT INTO trace_tags VALUES ('mlflow.traceName', 'ask', '{Old}');
        INSERT INTO trace_request_metadata VALUES ('mlflow.traceInputs', '"hi"', '{Old}');
        """;

    /// <summary>The file that 2.14 wrote for its trace.</summary>
    public static string OldTracesJson() => $$$"""
        {"request": "{\"q\": \"hi\"}", "response": "\"hello\"", "spans": [{"name": "ask", "context": {"span_id": "0x265e52875fae725f", "trace_id": "0x{{{Old}}}"}, "parent_id": null,
        "start_time": 1700000000000000000, "end_time": 1700000000012000000, "status_code": "OK", "status_message": "",
        "attributes": {"mlflow.traceRequestId": "\"{{{Old}}}\"", "mlflow.spanType": "\"CHAIN\"", "mlflow.spanInputs": "{\"q\": \"hi\"}"}, "events": []}]}
        """;

    private static string Info(string id, int experiment, long ms, long? duration, string status, string clientId, string request, string response) =>
        $"INSERT INTO trace_info VALUES ('{id}', {experiment}, {ms}, {duration?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "NULL"}, '{status}', {clientId}, {request}, {response});";

    private static string Pairs(string table, string id, params (string Key, string Value)[] pairs) =>
        string.Join('\n', pairs.Select(pair => $"INSERT INTO {table} (key, value, request_id) VALUES ('{pair.Key}', '{pair.Value}', '{id}');"));

    private static string Span(string traceId, int experiment, string spanId, string? parent, string name, string type, long offset)
    {
        var hex = traceId["tr-".Length..];
        var content = $$$"""
            {"trace_id": "{{{Convert.ToBase64String(Convert.FromHexString(hex))}}}", "span_id": "{{{spanId}}}", "parent_span_id": {{{(parent is null ? "null" : $"\"{parent}\"")}}}, "name": "{{{name}}}",
            "start_time_unix_nano": {{{StartNs + offset}}}, "end_time_unix_nano": {{{StartNs + offset + 500}}},
            "events": [{"name": "ev", "time_unix_nano": {{{StartNs + 7}}}, "attributes": {"a": "b", "n": 1}}], "status": {"code": "STATUS_CODE_OK", "message": ""},
            "attributes": {"mlflow.traceRequestId": "\"{{{traceId}}}\"", "mlflow.spanType": "\"{{{type}}}\"", "mlflow.spanInputs": "{\"x\": 5, \"city\": \"東京\"}", "mlflow.spanOutputs": "7", "f": "1.0", "s": "\"str\"", "null": "null"}}
            """.ReplaceLineEndings(" ");
        return $"INSERT INTO spans VALUES ('{traceId}', {experiment}, '{spanId}', {(parent is null ? "NULL" : $"'{parent}'")}, '{name}', '{type}', 'OK', {StartNs + offset}, {StartNs + offset + 500}, '{content}');";
    }
}
