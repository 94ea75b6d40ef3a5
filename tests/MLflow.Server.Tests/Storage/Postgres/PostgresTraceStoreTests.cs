using MLflow.Server.Storage;
using MLflow.Server.Storage.Postgres;

namespace MLflow.Server.Tests.Storage.Postgres;

public sealed class PostgresTraceStoreTests(PostgresCluster cluster) : TraceStoreConformance
{
    private string? _uri;
    private PostgresDatabase? _database;

    private protected override ITextIndex Index => field ??= _database!.TextIndex();

    private protected override IAssessmentStore Assessments => new PostgresAssessmentStore(_database!);

    private protected override async Task<(ITraceStore Traces, IExperimentStore Experiments)> OpenAsync()
    {
        _uri = await cluster.CreateDatabaseAsync();
        _database = await PostgresDatabase.OpenAsync(_uri, Clock, null, Cancellation);
        return (new PostgresTraceStore(_database), new PostgresExperimentStore(_database));
    }

    private protected override async Task<long> PageBytesAsync() =>
        (await _database!.ReadAsync(session => session.QueryAsync("SELECT COALESCE(SUM(length(grams)), 0) FROM text_pages", row => row.Int64(0)), Cancellation))[0];

    protected override async Task CloseAsync()
    {
        if (_database is not null)
        {
            await _database.DisposeAsync();
            await cluster.ReturnAsync(_uri!);
        }
    }
}
