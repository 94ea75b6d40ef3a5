-- Traces by a value that few of them have; where many have it, a search goes through the traces in its order. Of a text the beginning: values may be long.
CREATE INDEX traces_by_name ON traces (left(root_name, 100));

CREATE INDEX spans_by_name ON spans (left(name, 100));

CREATE INDEX spans_by_error ON spans (status) WHERE status = 'ERROR';

-- The string that the JSON is, or the JSON of something else.
CREATE INDEX assessments_by_value ON assessments (left(name, 100), left(COALESCE(value_text, value), 100));

CREATE INDEX assessments_by_number ON assessments (left(name, 100), value_number) WHERE value_number IS NOT NULL;
