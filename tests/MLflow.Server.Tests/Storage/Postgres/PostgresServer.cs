using MLflow.Server.Storage.Postgres;
using MLflow.Server.Tests.Rest;
using Npgsql;

namespace MLflow.Server.Tests.Storage.Postgres;

/// <summary>A server that keeps its traces in PostgreSQL.</summary>
public sealed class PostgresServer(PostgresCluster cluster) : SomeServer
{
    private string? _uri;

    /// <summary>The server; skips the test where there is none. A fixture cannot skip.</summary>
    public SomeServer Required
    {
        get
        {
            PostgresCluster.SkipWhereMissing();
            return this;
        }
    }

    public override ValueTask InitializeAsync() => PostgresCluster.IsInstalled ? base.InitializeAsync() : ValueTask.CompletedTask;

    /// <summary>Another server on the same database.</summary>
    public static Task<MlflowServer> StartAnotherAsync(SomeServer server) =>
        MlflowServer.StartAsync(new MlflowServerOptions { Port = 0, OtlpGrpcPort = 0, BackendStoreUri = ((PostgresServer)server)._uri! });

    /// <summary>A connection to its database.</summary>
    public NpgsqlConnection Connect()
    {
        var settings = PostgresUri.Parse(_uri!);
        settings.Pooling = false;
        var connection = new NpgsqlConnection(settings.ConnectionString);
        connection.Open();
        return connection;
    }

    protected override async Task<string> OpenStoreAsync() => _uri = await cluster.CreateDatabaseAsync();

    protected override Task CloseStoreAsync() => cluster.ReturnAsync(_uri!);
}
