CREATE TABLE experiments (
    experiment_id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    artifact_location TEXT NOT NULL,
    is_active INTEGER NOT NULL DEFAULT 1,
    creation_time_ms INTEGER NOT NULL,
    last_update_time_ms INTEGER NOT NULL
);

CREATE TABLE experiment_tags (
    experiment_id INTEGER NOT NULL REFERENCES experiments (experiment_id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (experiment_id, key)
) WITHOUT ROWID;

INSERT INTO experiments (experiment_id, name, artifact_location, creation_time_ms, last_update_time_ms)
VALUES (0, 'Default', 'mlflow-artifacts:/0', CAST(unixepoch('subsec') * 1000 AS INTEGER), CAST(unixepoch('subsec') * 1000 AS INTEGER));

-- What lists show, filter and sort: no payload of any span is read for it.
CREATE TABLE traces (
    trace_id TEXT NOT NULL UNIQUE,
    experiment_id INTEGER NOT NULL REFERENCES experiments (experiment_id),
    client_request_id TEXT,
    request_time_ms INTEGER NOT NULL,
    duration_ms INTEGER,
    state TEXT NOT NULL,
    request_preview TEXT,
    response_preview TEXT,
    -- Which of the columns above a client's StartTrace has settled (SettledFields): spans that come later leave those alone.
    settled INTEGER NOT NULL DEFAULT 0,
    root_name TEXT,
    model TEXT,
    input_tokens INTEGER,
    output_tokens INTEGER,
    total_tokens INTEGER,
    cached_input_tokens INTEGER,
    first_token_ms INTEGER,
    error_type TEXT,
    error_message TEXT,
    stream_end TEXT,
    span_count INTEGER NOT NULL DEFAULT 0,
    announced_span_count INTEGER
);

CREATE INDEX traces_by_time ON traces (experiment_id, request_time_ms DESC, trace_id);

CREATE TABLE trace_tags (
    trace_id TEXT NOT NULL REFERENCES traces (trace_id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (trace_id, key)
) WITHOUT ROWID;

CREATE TABLE trace_metadata (
    trace_id TEXT NOT NULL REFERENCES traces (trace_id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    -- 1: from the spans, replaced when more of them come. 0: told by the client, which wins.
    derived INTEGER NOT NULL,
    PRIMARY KEY (trace_id, key)
) WITHOUT ROWID;

CREATE TABLE spans (
    trace_id TEXT NOT NULL REFERENCES traces (trace_id) ON DELETE CASCADE,
    span_id TEXT NOT NULL,
    otel_trace_id TEXT NOT NULL,
    parent_span_id TEXT,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    status_message TEXT,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER,
    model TEXT,
    input_tokens INTEGER,
    output_tokens INTEGER,
    total_tokens INTEGER,
    cached_input_tokens INTEGER,
    first_token_ms INTEGER,
    stream_end TEXT,
    error_type TEXT,
    error_message TEXT,
    UNIQUE (trace_id, span_id)
);

-- Heavy: read only when a trace is opened. Rows are appended; the index alone takes inserts in random order.
CREATE TABLE span_payloads (
    trace_id TEXT NOT NULL,
    span_id TEXT NOT NULL,
    -- 0: JSON as it is. 1: compressed with zstd.
    codec INTEGER NOT NULL,
    payload BLOB NOT NULL,
    UNIQUE (trace_id, span_id),
    FOREIGN KEY (trace_id, span_id) REFERENCES spans (trace_id, span_id) ON DELETE CASCADE
);
