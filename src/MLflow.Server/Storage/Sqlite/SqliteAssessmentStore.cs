using MLflow.Server.Assessments;
using MLflow.Server.Storage.Sql;

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
            return SqliteAssessmentWriter.Insert(session, assessment) ? true : throw AssessmentRevision.Missing(assessment.TraceId, assessment.Overrides!);
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
        throw command.ExecuteScalar() is null ? AssessmentRevision.MissingTrace(traceId) : AssessmentRevision.Missing(traceId, assessmentId);
    }

    public Task<AssessmentRecord> UpdateAsync(string traceId, string assessmentId, AssessmentChange change, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session =>
        {
            var old = Find(session, traceId, assessmentId) ?? throw (TraceExistence.IsStored(session, traceId) ? AssessmentRevision.Missing(traceId, assessmentId) : AssessmentRevision.MissingTrace(traceId));
            var updated = AssessmentRevision.Apply(old, change, session.TimeProvider);
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
}
