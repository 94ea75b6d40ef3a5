-- Traces by a value that few of them have; where many have it, a search goes through the traces in its order. Of a text the beginning: values may be long.
CREATE INDEX trace_tags_by_value ON trace_tags (key, substr(value, 1, 100));

-- Without what nobody looks for by its value, and what has an index of its own.
CREATE INDEX trace_metadata_by_value ON trace_metadata (key, substr(value, 1, 100))
    WHERE key NOT IN ('mlflow.trace.tokenUsage', 'mlflow.trace.cost', 'mlflow.trace.sizeStats', 'mlflow.trace.sizeBytes', 'mlflow.traceInputs', 'mlflow.traceOutputs', 'mlflow.trace.session', 'mlflow.sourceRun', 'mlflow.trace.user', 'mlflow.trace_schema.version', 'mlflow.source.type', 'mlflow.source.git.repoURL', 'mlflow.trace.infoFinalized');

CREATE INDEX traces_by_name ON traces (substr(root_name, 1, 100));

CREATE INDEX traces_by_error ON traces (trace_id) WHERE state = 'ERROR';

CREATE INDEX spans_by_name ON spans (substr(name, 1, 100));

CREATE INDEX spans_by_error ON spans (trace_id) WHERE status = 'ERROR';

-- The string that the JSON is, or the JSON of something else.
CREATE INDEX assessments_by_value ON assessments (substr(name, 1, 100), substr(COALESCE(value_text, value), 1, 100));

CREATE INDEX assessments_by_number ON assessments (substr(name, 1, 100), value_number) WHERE value_number IS NOT NULL;
