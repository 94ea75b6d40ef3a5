-- Lists of traces that somebody gave a name.
CREATE TABLE saved_views (
    experiment_id BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    query TEXT COLLATE "C" NOT NULL,
    saved_by TEXT COLLATE "C",
    PRIMARY KEY (experiment_id, name)
);
