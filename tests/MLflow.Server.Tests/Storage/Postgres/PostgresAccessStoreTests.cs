using MLflow.Server.Storage;
using MLflow.Server.Storage.Postgres;
using Npgsql;

namespace MLflow.Server.Tests.Storage.Postgres;

public sealed class PostgresAccessStoreTests(PostgresCluster cluster) : AccessStoreConformance
{
    private string? _uri;

    private protected override async Task<IDatabase> OpenAsync() => await PostgresDatabase.OpenAsync(_uri ??= await cluster.CreateDatabaseAsync(), Time, null, Token);

    protected override Task CloseAsync() => cluster.ReturnAsync(_uri!);

    protected override async Task<string> StoredAsync()
    {
        var settings = PostgresUri.Parse(_uri!);
        settings.Pooling = false;
        await using var connection = new NpgsqlConnection(settings.ConnectionString);
        await connection.OpenAsync(Token);
        await using var command = new NpgsqlCommand("SELECT string_agg(t::text, ' ') || (SELECT string_agg(a::text, ' ') FROM audit_log a) FROM api_tokens t", connection);
        return (string)(await command.ExecuteScalarAsync(Token))!;
    }
}
