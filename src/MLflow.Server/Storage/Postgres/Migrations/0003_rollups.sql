-- What happened in an hour, as an overview shows it (Rollup). An hour without traces has no row. Small: a reference table where the others are distributed, or distributed by the experiment.
CREATE TABLE rollup_hours (
    experiment_id BIGINT NOT NULL,
    -- Since 1970.
    hour BIGINT NOT NULL,
    -- Empty where there is too much to keep.
    figures BYTEA NOT NULL,
    PRIMARY KEY (experiment_id, hour)
);

-- Hours whose figures are out of date, or not there yet. One row for each change, and no row that two changes could wait for; who works an hour out takes away those that were there when it began.
CREATE TABLE rollup_marks (
    experiment_id BIGINT NOT NULL,
    hour BIGINT NOT NULL,
    mark_id BIGINT GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (experiment_id, hour, mark_id)
);

INSERT INTO rollup_marks (experiment_id, hour)
SELECT experiment_id, request_time_ms / 3600000 FROM traces WHERE request_time_ms >= 3600000 GROUP BY 1, 2;
