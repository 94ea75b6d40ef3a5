using Microsoft.Data.Sqlite;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>What work may use while it runs in the writer's transaction.</summary>
internal sealed class SqliteWriteSession : IDisposable
{
    private readonly Dictionary<string, SqliteStatement> _statements = new(ReferenceEqualityComparer.Instance);

    public SqliteWriteSession(SqliteConnection connection, TimeProvider timeProvider)
    {
        Connection = connection;
        TimeProvider = timeProvider;
    }

    public SqliteConnection Connection { get; }

    public TimeProvider TimeProvider { get; }

    public long NowMs => TimeProvider.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>The statement for a constant of SQL, prepared at its first use.</summary>
    public SqliteStatement this[string sql]
    {
        get
        {
            if (!_statements.TryGetValue(sql, out var statement))
            {
                _statements.Add(sql, statement = new SqliteStatement(Connection, sql));
            }

            return statement;
        }
    }

    public void Dispose()
    {
        foreach (var statement in _statements.Values)
        {
            statement.Dispose();
        }
    }
}
