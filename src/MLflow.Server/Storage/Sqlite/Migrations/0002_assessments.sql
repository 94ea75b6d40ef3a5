CREATE TABLE assessments (
    assessment_id TEXT NOT NULL PRIMARY KEY,
    trace_id TEXT NOT NULL REFERENCES traces (trace_id) ON DELETE CASCADE,
    span_id TEXT,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    -- JSON text.
    value TEXT NOT NULL,
    -- The value as filters see it beside its JSON: a string without its quotes, a number as such.
    value_text TEXT,
    value_number REAL,
    is_serialized INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    source_type TEXT NOT NULL,
    source_id TEXT,
    rationale TEXT,
    metadata TEXT NOT NULL DEFAULT '{}',
    create_time_ms INTEGER NOT NULL,
    last_update_time_ms INTEGER NOT NULL,
    overrides TEXT,
    is_valid INTEGER NOT NULL DEFAULT 1
);

CREATE INDEX assessments_by_trace ON assessments (trace_id, create_time_ms);
