using MLflow.Server.Storage;
using MLflow.Server.Storage.Postgres;

namespace MLflow.Server.Tests.Storage.Postgres;

public sealed class PostgresSpanLogTests(PostgresCluster cluster) : SpanLogTests
{
    private string? _uri;

    private protected override async Task<IDatabase> OpenAsync(TimeProvider time)
    {
        _uri = await cluster.CreateDatabaseAsync();
        return await PostgresDatabase.OpenAsync(_uri, time, null, Xunit.TestContext.Current.CancellationToken);
    }

    protected override Task CloseAsync() => cluster.ReturnAsync(_uri!);
}
