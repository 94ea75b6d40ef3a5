using MLflow.Server.Storage;
using MLflow.Server.Storage.Postgres;

namespace MLflow.Server.Tests.Storage.Postgres;

public sealed class PostgresTraceStoreTests(PostgresCluster cluster) : TraceStoreConformance
{
    private string? _uri;
    private PostgresDatabase? _database;

    private protected override IAssessmentStore Assessments => new PostgresAssessmentStore(_database!);

    private protected override async Task<(ITraceStore Traces, IExperimentStore Experiments)> OpenAsync()
    {
        _uri = await cluster.CreateDatabaseAsync();
        _database = await PostgresDatabase.OpenAsync(_uri, Clock, null, Cancellation);
        return (new PostgresTraceStore(_database), new PostgresExperimentStore(_database));
    }

    protected override async Task CloseAsync()
    {
        if (_database is not null)
        {
            await _database.DisposeAsync();
            await cluster.ReturnAsync(_uri!);
        }
    }
}
