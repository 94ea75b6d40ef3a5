using MLflow.Server.Storage;
using MLflow.Server.Storage.Sqlite;

namespace MLflow.Server.Tests.Storage;

public sealed class SqliteTraceStoreTests : TraceStoreConformance
{
    private readonly TemporaryFolder _folder = new();
    private SqliteDatabase? _database;

    private protected override IAssessmentStore Assessments => new SqliteAssessmentStore(_database!);

    private protected override Task<(ITraceStore Traces, IExperimentStore Experiments)> OpenAsync()
    {
        _database = SqliteDatabase.Open(_folder.File("mlflow.db"), Clock);
        return Task.FromResult<(ITraceStore, IExperimentStore)>((new SqliteTraceStore(_database), new SqliteExperimentStore(_database)));
    }

    protected override async Task CloseAsync()
    {
        await _database!.DisposeAsync();
        _folder.Dispose();
    }
}
