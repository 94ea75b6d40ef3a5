-- Runs that a trace was linked to afterwards; the one that it was made in is metadata of it. A link may come before its trace.
CREATE TABLE trace_runs (
    trace_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    PRIMARY KEY (trace_id, run_id)
) WITHOUT ROWID;

CREATE TRIGGER trace_runs_end AFTER DELETE ON traces
BEGIN
    DELETE FROM trace_runs WHERE trace_id = OLD.trace_id;
END;
