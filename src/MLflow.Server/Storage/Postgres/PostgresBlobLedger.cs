using MLflow.Server.Blobs;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Contents of the blob store, in PostgreSQL. Rows are locked in the order of hashes or names, so that no two wait in a circle.</summary>
internal sealed class PostgresBlobLedger : IBlobLedger
{
    private readonly PostgresDatabase _database;

    public PostgresBlobLedger(PostgresDatabase database) => _database = database;

    public Task<IReadOnlyDictionary<string, BlobPlace>> RegisterAsync(IReadOnlyList<(string Hash, long Size)> contents, CancellationToken cancellationToken) => _database.WriteAsync<IReadOnlyDictionary<string, BlobPlace>>(
        async session =>
        {
            var rows = await session.QueryAsync(
                RegisterSql,
                row => (Name: row.Text(0), IsStored: row.Int64(1) == 1, Hash: row.Text(2)),
                contents.Select(content => BlobName.New(content.Hash)).ToArray(),
                contents.Select(content => content.Hash).ToArray(),
                contents.Select(content => content.Size).ToArray(),
                session.NowMs).ConfigureAwait(false);
            return rows.ToDictionary(row => row.Hash, row => new BlobPlace(row.Name, row.IsStored));
        },
        isIdempotent: true,
        cancellationToken);

    public Task SetStoredAsync(IReadOnlyList<string> names, CancellationToken cancellationToken) =>
        _database.WriteAsync(session => session.ExecuteAsync(SetStoredSql, names.ToArray()), isIdempotent: true, cancellationToken);

    public async Task<(IReadOnlyList<string> Names, string? Last)> FindOrphansAsync(string after, long beforeMs, int limit, CancellationToken cancellationToken)
    {
        var looked = await _database.ReadAsync(
            session => session.QueryAsync(LookSql, row => (Name: row.Text(0), IsOld: row.Boolean(1)), after, beforeMs, limit), cancellationToken).ConfigureAwait(false);
        string[] old = [.. looked.Where(row => row.IsOld).Select(row => row.Name)];

        // Never joined: references are on the machine of their trace.
        var referred = old.Length == 0 ? [] : await _database.ReadAsync(session => session.QueryAsync(SelectReferredSql, row => row.Text(0), old, old.Length), cancellationToken).ConfigureAwait(false);
        return ([.. old.Except(referred)], looked.Count == limit ? looked[^1].Name : null);
    }

    public Task CondemnAsync(IReadOnlyList<string> names, long beforeMs, CancellationToken cancellationToken) => _database.WriteAsync(
        async session =>
        {
            // Whoever is referring to them has locked them; only a statement that begins after that sees the references.
            var locked = await session.QueryAsync(LockSql, row => row.Text(0), names.ToArray(), beforeMs).ConfigureAwait(false);
            var referred = await session.QueryAsync(SelectReferredSql, row => row.Text(0), locked.ToArray(), locked.Count).ConfigureAwait(false);
            return await session.ExecuteAsync(CondemnSql, (PostgresValue)locked.Except(referred).ToArray()).ConfigureAwait(false);
        },
        isIdempotent: true,
        cancellationToken);

    public async Task<IReadOnlyList<string>> ListCondemnedAsync(int limit, CancellationToken cancellationToken) =>
        await _database.ReadAsync(session => session.QueryAsync(ListCondemnedSql, row => row.Text(0), limit), cancellationToken).ConfigureAwait(false);

    public Task ForgetAsync(IReadOnlyList<string> names, CancellationToken cancellationToken) =>
        _database.WriteAsync(session => session.ExecuteAsync(ForgetSql, (PostgresValue)names.ToArray()), isIdempotent: true, cancellationToken);

    /// <summary>Writes down to what spans refer, in place of what they referred to.</summary>
    /// <param name="session">The transaction, which has locked the traces.</param>
    /// <param name="closing">Gets what need not be done at once.</param>
    /// <param name="replaced">Spans that may refer to something.</param>
    /// <param name="references">What they refer to now.</param>
    /// <exception cref="BlobGoneException">Something of it is condemned.</exception>
    public static async Task ReferAsync(
        PostgresSession session, PostgresBatch closing, IReadOnlyList<(string TraceId, string SpanId)> replaced, IReadOnlyList<(string TraceId, string SpanId, string Name)> references)
    {
        if (replaced.Count > 0)
        {
            closing.Add(DeleteReferencesSql, replaced.Select(span => span.TraceId).ToArray(), replaced.Select(span => span.SpanId).ToArray());
        }

        if (references.Count == 0)
        {
            return;
        }

        string[] names = [.. references.Select(reference => reference.Name).Distinct()];
        if ((await session.QueryAsync(ShareSql, row => row.Text(0), (PostgresValue)names).ConfigureAwait(false)).Count < names.Length)
        {
            throw new BlobGoneException();
        }

        closing.Add(
            ReferSql, references.Select(reference => reference.TraceId).ToArray(), references.Select(reference => reference.SpanId).ToArray(), references.Select(reference => reference.Name).ToArray());
    }

    private const string RegisterSql = """
        INSERT INTO blobs AS b (name, hash, size, state, touched_ms)
        SELECT u.name, u.hash, u.size, 0, $4 FROM unnest($1::text[], $2::text[], $3::bigint[]) AS u (name, hash, size) ORDER BY u.hash COLLATE "C"
        ON CONFLICT (hash) WHERE state < 2 DO UPDATE SET touched_ms = GREATEST(b.touched_ms, excluded.touched_ms)
        RETURNING name, state, hash
        """;

    private const string SetStoredSql = "UPDATE blobs SET state = 1 WHERE name = ANY($1) AND state = 0";

    private const string LookSql = "SELECT name, touched_ms < $2 AND state < 2 FROM blobs WHERE name > $1 ORDER BY name LIMIT $3";

    private const string LockSql = "SELECT name FROM blobs WHERE name = ANY($1) AND state < 2 AND touched_ms < $2 ORDER BY hash FOR UPDATE";

    private const string SelectReferredSql = "SELECT DISTINCT name FROM trace_blobs WHERE name = ANY($1) ORDER BY name LIMIT $2";

    private const string CondemnSql = "UPDATE blobs SET state = 2 WHERE name = ANY($1)";

    private const string ListCondemnedSql = "SELECT name FROM blobs WHERE state = 2 ORDER BY name LIMIT $1";

    private const string ForgetSql = "DELETE FROM blobs WHERE name = ANY($1) AND state = 2";

    private const string DeleteReferencesSql = "DELETE FROM trace_blobs WHERE trace_id = ANY($1) AND (trace_id, span_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))";

    private const string ShareSql = "SELECT name FROM blobs WHERE name = ANY($1) AND state < 2 ORDER BY hash FOR SHARE";

    private const string ReferSql = "INSERT INTO trace_blobs (trace_id, span_id, name) SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING";
}
