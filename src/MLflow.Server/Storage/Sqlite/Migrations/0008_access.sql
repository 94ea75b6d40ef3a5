CREATE TABLE users (
    -- Never used again: what was made for a deleted user must not be another's.
    user_id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL COLLATE NOCASE UNIQUE,
    -- Null for those who cannot sign in with a password.
    password_hash TEXT,
    is_admin INTEGER NOT NULL DEFAULT 0,
    default_permission TEXT NOT NULL,
    -- Of an identity provider.
    issuer TEXT,
    subject TEXT,
    created_ms INTEGER NOT NULL,
    UNIQUE (issuer, subject)
);

CREATE TABLE experiment_permissions (
    user_id INTEGER NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    experiment_id INTEGER NOT NULL REFERENCES experiments (experiment_id),
    permission TEXT NOT NULL,
    PRIMARY KEY (user_id, experiment_id)
) WITHOUT ROWID;

CREATE TABLE api_tokens (
    -- The part of the token that is no secret.
    token_id TEXT NOT NULL PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    secret_hash BLOB NOT NULL,
    scope TEXT NOT NULL,
    -- JSON list of ids; null for all.
    experiments TEXT,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    last_used_ms INTEGER,
    revoked_ms INTEGER
) WITHOUT ROWID;

CREATE INDEX api_tokens_by_user ON api_tokens (user_id);

CREATE TABLE sessions (
    key_hash BLOB NOT NULL PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE data_protection_keys (
    key_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    xml TEXT NOT NULL
);

CREATE TABLE audit_log (
    audit_id INTEGER PRIMARY KEY AUTOINCREMENT,
    time_ms INTEGER NOT NULL,
    actor TEXT,
    action TEXT NOT NULL,
    target TEXT,
    address TEXT,
    result TEXT NOT NULL
);

-- Grows with every change that decides who may do what: what was read before is out of date then.
CREATE TABLE access_version (version INTEGER NOT NULL);
INSERT INTO access_version (version) VALUES (0);
