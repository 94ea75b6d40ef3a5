-- Where the text of a trace is indexed: segment * 512 + place in it. Below 0 where it waits to be: each change of the trace takes one away, so that who indexed it sees whether it has changed
-- meanwhile. A table of its own: the row of a trace has its previews, and would be written a second time for this one number.
-- A server of the version before may still write: what came between the copy and the end would be lost.
LOCK TABLE traces IN ACCESS EXCLUSIVE MODE;

CREATE TABLE text_places (
    trace_id TEXT COLLATE "C" PRIMARY KEY,
    place BIGINT NOT NULL
);

INSERT INTO text_places (trace_id, place) SELECT trace_id, text_place FROM traces ORDER BY trace_id;

CREATE INDEX text_places_by_place ON text_places (place);

ANALYZE text_places;

-- Its index goes with it. No row is written for that.
ALTER TABLE traces DROP COLUMN text_place;
