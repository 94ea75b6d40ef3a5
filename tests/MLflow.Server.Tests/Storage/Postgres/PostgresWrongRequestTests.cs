using MLflow.Server.Tests.Rest;
using Npgsql;
using Xunit;

namespace MLflow.Server.Tests.Storage.Postgres;

public sealed class PostgresWrongRequestTests(PostgresServer server) : WrongRequestTests(server.Required), IClassFixture<PostgresServer>
{
    private readonly PostgresServer _server = server;

    protected override string Stored()
    {
        using var connection = _server.Connect();
        var tables = Rows(connection, "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").Where(table => !IsWorkedOutLater(table));
        return string.Join('\n', tables.SelectMany(table => Rows(connection, $"SELECT (to_jsonb(t) - '{WorkedOutLater}')::text FROM {table} t ORDER BY 1")));
    }

    private static List<string> Rows(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        using var reader = command.ExecuteReader();
        var rows = new List<string>();
        while (reader.Read())
        {
            rows.Add(reader.GetString(0));
        }

        return rows;
    }
}
