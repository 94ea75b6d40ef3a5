using MLflow.Server.Storage;
using MLflow.Server.Storage.Sqlite;

namespace MLflow.Server.Tests.Storage;

public sealed class SqliteAssessmentStoreTests : AssessmentStoreConformance
{
    private readonly TemporaryFolder _folder = new();
    private SqliteDatabase? _database;

    private protected override Task<(IAssessmentStore Assessments, ITraceStore Traces)> OpenAsync()
    {
        _database = SqliteDatabase.Open(_folder.File("mlflow.db"), TimeProvider.System);
        return Task.FromResult<(IAssessmentStore, ITraceStore)>((new SqliteAssessmentStore(_database), new SqliteTraceStore(_database)));
    }

    protected override async Task CloseAsync()
    {
        await _database!.DisposeAsync();
        _folder.Dispose();
    }
}
