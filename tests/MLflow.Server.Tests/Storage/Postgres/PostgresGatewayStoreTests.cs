using MLflow.Server.Storage;
using MLflow.Server.Storage.Postgres;

namespace MLflow.Server.Tests.Storage.Postgres;

public sealed class PostgresGatewayStoreTests(PostgresCluster cluster) : GatewayStoreConformance
{
    private string? _uri;

    private protected override async Task<IDatabase> OpenAsync() => await PostgresDatabase.OpenAsync(_uri ??= await cluster.CreateDatabaseAsync(), Time, null, Token);

    protected override Task CloseAsync() => cluster.ReturnAsync(_uri!);
}
