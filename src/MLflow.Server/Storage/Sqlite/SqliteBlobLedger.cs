using Dapper;
using MLflow.Server.Blobs;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Contents of the blob store, in SQLite.</summary>
internal sealed class SqliteBlobLedger : IBlobLedger
{
    private readonly SqliteDatabase _database;

    public SqliteBlobLedger(SqliteDatabase database) => _database = database;

    public Task<IReadOnlyDictionary<string, BlobPlace>> RegisterAsync(IReadOnlyList<(string Hash, long Size)> contents, CancellationToken cancellationToken) => _database.Writer.WriteAsync<IReadOnlyDictionary<string, BlobPlace>>(
        session =>
        {
            var places = new Dictionary<string, BlobPlace>(contents.Count);
            foreach (var (hash, size) in contents)
            {
                var rows = session[RegisterSql].Bind(1, BlobName.New(hash)).Bind(2, hash).Bind(3, size).Bind(4, session.NowMs);
                rows.Read();
                places[hash] = new BlobPlace(rows.GetString(0)!, rows.GetInt64(1) == 1);
                rows.Reset();
            }

            return places;
        },
        cancellationToken);

    public Task SetStoredAsync(IReadOnlyList<string> names, CancellationToken cancellationToken) => EachAsync(SetStoredSql, names, cancellationToken);

    public Task<(IReadOnlyList<string> Names, string? Last)> FindOrphansAsync(string after, long beforeMs, int limit, CancellationToken cancellationToken)
    {
        using var connection = _database.OpenRead();
        var looked = connection.Query<(string Name, long IsOrphan)>(FindOrphansSql, new { after, beforeMs, limit }).AsList();
        return Task.FromResult<(IReadOnlyList<string>, string?)>(([.. looked.Where(row => row.IsOrphan == 1).Select(row => row.Name)], looked.Count == limit ? looked[^1].Name : null));
    }

    public Task CondemnAsync(IReadOnlyList<string> names, long beforeMs, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session => names.Sum(name => session[CondemnSql].Bind(1, name).Bind(2, beforeMs).Execute()), cancellationToken);

    public Task<IReadOnlyList<string>> ListCondemnedAsync(int limit, CancellationToken cancellationToken)
    {
        using var connection = _database.OpenRead();
        return Task.FromResult<IReadOnlyList<string>>(connection.Query<string>("SELECT name FROM blobs WHERE state = 2 ORDER BY name LIMIT $limit", new { limit }).AsList());
    }

    public Task ForgetAsync(IReadOnlyList<string> names, CancellationToken cancellationToken) => EachAsync(ForgetSql, names, cancellationToken);

    /// <summary>Writes down in the writer's transaction to what a span refers, in place of what it referred to.</summary>
    public static void Refer(SqliteWriteSession session, string traceId, string spanId, IReadOnlyList<string> names)
    {
        session[DeleteReferencesSql].Bind(1, traceId).Bind(2, spanId).Execute();
        foreach (var name in names)
        {
            if (session[ReferSql].Bind(1, traceId).Bind(2, spanId).Bind(3, name).Execute() == 0)
            {
                throw new BlobGoneException();
            }
        }
    }

    private Task<int> EachAsync(string sql, IReadOnlyList<string> names, CancellationToken cancellationToken) =>
        _database.Writer.WriteAsync(session => names.Sum(name => session[sql].Bind(1, name).Execute()), cancellationToken);

    private const string RegisterSql = """
        INSERT INTO blobs (name, hash, size, state, touched_ms) VALUES (?1, ?2, ?3, 0, ?4)
        ON CONFLICT (hash) WHERE state < 2 DO UPDATE SET touched_ms = MAX(touched_ms, excluded.touched_ms)
        RETURNING name, state
        """;

    private const string SetStoredSql = "UPDATE blobs SET state = 1 WHERE name = ?1 AND state = 0";

    private const string FindOrphansSql = """
        SELECT name, touched_ms < $beforeMs AND state < 2 AND NOT EXISTS (SELECT 1 FROM trace_blobs r WHERE r.name = b.name)
        FROM blobs b WHERE name > $after ORDER BY name LIMIT $limit
        """;

    private const string CondemnSql = """
        UPDATE blobs SET state = 2 WHERE name = ?1 AND state < 2 AND touched_ms < ?2 AND NOT EXISTS (SELECT 1 FROM trace_blobs r WHERE r.name = ?1)
        """;

    private const string ForgetSql = "DELETE FROM blobs WHERE name = ?1 AND state = 2";

    private const string DeleteReferencesSql = "DELETE FROM trace_blobs WHERE trace_id = ?1 AND span_id = ?2";

    private const string ReferSql = """
        INSERT INTO trace_blobs (trace_id, span_id, name) SELECT ?1, ?2, name FROM blobs WHERE name = ?3 AND state < 2
        """;
}
