-- What happened in an hour, as an overview shows it (Rollup). An hour without traces has no row.
CREATE TABLE rollup_hours (
    experiment_id INTEGER NOT NULL,
    -- Since 1970.
    hour INTEGER NOT NULL,
    -- Empty where there is too much to keep.
    figures BLOB NOT NULL,
    PRIMARY KEY (experiment_id, hour)
);

-- Hours whose figures are out of date, or not there yet. The version grows with each change, so that who works them out sees whether something has come meanwhile.
CREATE TABLE rollup_marks (
    experiment_id INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (experiment_id, hour)
) WITHOUT ROWID;

INSERT INTO rollup_marks (experiment_id, hour, version)
SELECT experiment_id, request_time_ms / 3600000, 1 FROM traces WHERE request_time_ms >= 3600000 GROUP BY 1, 2;

-- Whatever changes a span, its session or its user changes its trace as well. Times of the first hour of 1970 and before are always read from the traces.
CREATE TRIGGER rollup_marks_insert AFTER INSERT ON traces WHEN NEW.request_time_ms >= 3600000
BEGIN
    INSERT INTO rollup_marks (experiment_id, hour, version) VALUES (NEW.experiment_id, NEW.request_time_ms / 3600000, 1)
    ON CONFLICT (experiment_id, hour) DO UPDATE SET version = version + 1;
END;

CREATE TRIGGER rollup_marks_update AFTER UPDATE OF experiment_id, request_time_ms, duration_ms, state, input_tokens ON traces
BEGIN
    INSERT INTO rollup_marks (experiment_id, hour, version) SELECT OLD.experiment_id, OLD.request_time_ms / 3600000, 1 WHERE OLD.request_time_ms >= 3600000
    ON CONFLICT (experiment_id, hour) DO UPDATE SET version = version + 1;
    INSERT INTO rollup_marks (experiment_id, hour, version) SELECT NEW.experiment_id, NEW.request_time_ms / 3600000, 1 WHERE NEW.request_time_ms >= 3600000
    ON CONFLICT (experiment_id, hour) DO UPDATE SET version = version + 1;
END;

CREATE TRIGGER rollup_marks_delete AFTER DELETE ON traces WHEN OLD.request_time_ms >= 3600000
BEGIN
    INSERT INTO rollup_marks (experiment_id, hour, version) VALUES (OLD.experiment_id, OLD.request_time_ms / 3600000, 1)
    ON CONFLICT (experiment_id, hour) DO UPDATE SET version = version + 1;
END;
