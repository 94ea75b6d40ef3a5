using MLflow.Server.Storage;
using MLflow.Server.Storage.Sqlite;

namespace MLflow.Server.Tests.Storage;

public sealed class SqliteTraceStoreTests : TraceStoreConformance
{
    private readonly TemporaryFolder _folder = new();
    private SqliteDatabase? _database;

    private protected override ITextIndex Index => field ??= _database!.TextIndex();

    private protected override IAssessmentStore Assessments => new SqliteAssessmentStore(_database!);

    private protected override Task<(ITraceStore Traces, IExperimentStore Experiments)> OpenAsync()
    {
        _database = SqliteDatabase.Open(_folder.File("mlflow.db"), Clock);
        return Task.FromResult<(ITraceStore, IExperimentStore)>((new SqliteTraceStore(_database), new SqliteExperimentStore(_database)));
    }

    private protected override Task<long> PageBytesAsync()
    {
        using var connection = _database!.OpenRead();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT COALESCE(SUM(length(grams)), 0) FROM text_pages";
        return Task.FromResult((long)command.ExecuteScalar()!);
    }

    protected override async Task CloseAsync()
    {
        await _database!.DisposeAsync();
        _folder.Dispose();
    }
}
