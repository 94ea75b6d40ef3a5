using MLflow.Server.Storage;
using MLflow.Server.Storage.Postgres;

namespace MLflow.Server.Tests.Storage.Postgres;

public sealed class PostgresAccessStoreTests(PostgresCluster cluster) : AccessStoreConformance
{
    private string? _uri;

    private protected override async Task<IDatabase> OpenAsync() => await PostgresDatabase.OpenAsync(_uri ??= await cluster.CreateDatabaseAsync(), Time, null, Token);

    protected override Task CloseAsync() => cluster.ReturnAsync(_uri!);

    protected override async Task<string> StoredAsync() =>
        (string)(await PostgresCluster.ScalarAsync(_uri!, "SELECT string_agg(t::text, ' ') || (SELECT string_agg(a::text, ' ') FROM audit_log a) FROM api_tokens t"))!;
}
