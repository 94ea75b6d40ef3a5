using MLflow.Server.Assessments;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Assessments in SQLite.</summary>
internal sealed class SqliteAssessmentStore : IAssessmentStore
{
    private readonly SqliteDatabase _database;

    public SqliteAssessmentStore(SqliteDatabase database) => _database = database;

    public Task CreateAsync(AssessmentRecord assessment, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session =>
        {
            TraceExistence.Require(session, assessment.TraceId);
            return SqliteAssessmentWriter.Insert(session, assessment) ? true : throw Missing(assessment.TraceId, assessment.Overrides!);
        },
        cancellationToken);

    public Task<AssessmentRecord> GetAsync(string traceId, string assessmentId, CancellationToken cancellationToken)
    {
        using var connection = _database.OpenRead();
        using var command = connection.CreateCommand();
        command.CommandText = AssessmentRows.SelectOneSql;
        command.Parameters.AddWithValue("?1", traceId);
        command.Parameters.AddWithValue("?2", assessmentId);
        using (var reader = command.ExecuteReader())
        {
            if (reader.Read())
            {
                return Task.FromResult(AssessmentRows.Read(column => reader.IsDBNull(column) ? null : reader.GetString(column), reader.GetInt64));
            }
        }

        command.CommandText = TraceExistence.SelectSql;
        command.Parameters.RemoveAt(1);
        throw command.ExecuteScalar() is null ? MissingTrace(traceId) : Missing(traceId, assessmentId);
    }

    public Task<AssessmentRecord> UpdateAsync(string traceId, string assessmentId, AssessmentChange change, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session =>
        {
            var old = Find(session, traceId, assessmentId) ?? throw (TraceExistence.IsStored(session, traceId) ? Missing(traceId, assessmentId) : MissingTrace(traceId));
            if (change.Type is { } type && type != old.Type)
            {
                throw new MlflowException(
                    ErrorCode.INVALID_PARAMETER_VALUE,
                    $"Assessment '{assessmentId}' is of type {SqliteText.Of(old.Type)}: its value cannot become one of type {SqliteText.Of(type)}. Delete it and create another.");
            }

            var updated = old with
            {
                Name = change.Name ?? old.Name,
                Value = change.Type is null ? old.Value : change.Value,
                IsSerialized = change.Type is null ? old.IsSerialized : change.IsSerialized,
                Error = change.Type is null ? old.Error : change.Error,
                Rationale = change.HasRationale ? change.Rationale : old.Rationale,
                Metadata = Merge(old.Metadata, change.Metadata),
                IsValid = change.IsValid ?? old.IsValid,
                LastUpdateTimeMs = session.TimeProvider.GetUtcNow().ToUnixTimeMilliseconds(),
            };
            SqliteAssessmentWriter.Update(session, updated);
            return updated;
        },
        cancellationToken);

    public Task DeleteAsync(string traceId, string assessmentId, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session =>
        {
            if (Find(session, traceId, assessmentId) is { } assessment)
            {
                SqliteAssessmentWriter.Delete(session, assessment);
            }

            return true;
        },
        cancellationToken);

    private static AssessmentRecord? Find(SqliteWriteSession session, string traceId, string assessmentId)
    {
        var rows = session[AssessmentRows.SelectOneSql].Bind(1, traceId).Bind(2, assessmentId);
        if (!rows.Read())
        {
            return null;
        }

        var assessment = AssessmentRows.Read(rows.GetString, rows.GetInt64);
        rows.Reset();
        return assessment;
    }

    private static Dictionary<string, string> Merge(IReadOnlyDictionary<string, string> old, IReadOnlyDictionary<string, string> added)
    {
        var merged = new Dictionary<string, string>(old);
        foreach (var (key, value) in added)
        {
            merged[key] = value;
        }

        return merged;
    }

    private static MlflowException MissingTrace(string traceId) => new(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"Trace with request_id '{traceId}' not found");

    private static MlflowException Missing(string traceId, string assessmentId) =>
        new(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"Assessment with ID '{assessmentId}' not found for trace '{traceId}'");
}
