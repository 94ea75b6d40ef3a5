-- What log records tell of spans. They know OpenTelemetry's ids only, and may come before their span.
CREATE TABLE span_logs (
    otel_trace_id TEXT NOT NULL,
    span_id TEXT NOT NULL,
    -- Of its content: the same record again is the same row. Records of one time stay in the order of their arrival, which is that of the rows.
    log_hash BLOB NOT NULL,
    name TEXT NOT NULL,
    time_ns INTEGER NOT NULL,
    -- JSON object.
    attributes TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    -- 1 until its span has come.
    is_waiting INTEGER NOT NULL,
    UNIQUE (otel_trace_id, span_id, log_hash)
);

CREATE INDEX span_logs_waiting ON span_logs (received_ms) WHERE is_waiting = 1;

CREATE TRIGGER span_logs_end AFTER DELETE ON spans
BEGIN
    DELETE FROM span_logs WHERE otel_trace_id = OLD.otel_trace_id AND span_id = OLD.span_id;
END;

-- Traces whose client chose their id cannot be found by it from a log record.
CREATE INDEX spans_by_otel_id ON spans (otel_trace_id, span_id) WHERE trace_id <> 'tr-' || otel_trace_id;

ALTER TABLE spans ADD COLUMN session TEXT;
ALTER TABLE spans ADD COLUMN user TEXT;

-- How far the conventions of stored spans have been mapped, and by which version. Spans are written with the current one.
CREATE TABLE convention_mapping (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    done_rowid INTEGER NOT NULL
);

INSERT INTO convention_mapping (id, version, done_rowid) VALUES (1, 0, 0);
