using MLflow.Server.Assessments;
using MLflow.Server.Storage.Sql;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Assessments in PostgreSQL.</summary>
internal sealed class PostgresAssessmentStore : IAssessmentStore
{
    public const string SelectOneSql = $"SELECT {AssessmentRows.Columns} FROM assessments WHERE trace_id = $1 AND assessment_id = $2";

    private readonly PostgresDatabase _database;

    public PostgresAssessmentStore(PostgresDatabase database) => _database = database;

    public Task CreateAsync(AssessmentRecord assessment, CancellationToken cancellationToken) => _database.WriteAsync(
        async session =>
        {
            await TraceExistence.RequireAsync(session, assessment.TraceId).ConfigureAwait(false);
            return await PostgresAssessmentWriter.InsertAsync(session, assessment).ConfigureAwait(false) ? true : throw AssessmentRevision.Missing(assessment.TraceId, assessment.Overrides!);
        },
        isIdempotent: true,
        cancellationToken);

    public Task<AssessmentRecord> GetAsync(string traceId, string assessmentId, CancellationToken cancellationToken) => _database.ReadAsync(
        async session => await FindAsync(session, traceId, assessmentId).ConfigureAwait(false)
            ?? throw ((await session.QueryAsync(TraceExistence.SelectSql, _ => true, traceId).ConfigureAwait(false)).Count == 0
                ? AssessmentRevision.MissingTrace(traceId)
                : AssessmentRevision.Missing(traceId, assessmentId)),
        cancellationToken);

    public Task<AssessmentRecord> UpdateAsync(string traceId, string assessmentId, AssessmentChange change, CancellationToken cancellationToken) => _database.WriteAsync(
        async session =>
        {
            if (!await TraceExistence.LockAsync(session, traceId).ConfigureAwait(false))
            {
                throw AssessmentRevision.MissingTrace(traceId);
            }

            var old = await FindAsync(session, traceId, assessmentId).ConfigureAwait(false) ?? throw AssessmentRevision.Missing(traceId, assessmentId);
            var updated = AssessmentRevision.Apply(old, change, session.TimeProvider);
            await PostgresAssessmentWriter.UpdateAsync(session, updated).ConfigureAwait(false);
            return updated;
        },
        isIdempotent: true,
        cancellationToken);

    public Task DeleteAsync(string traceId, string assessmentId, CancellationToken cancellationToken) => _database.WriteAsync(
        async session =>
        {
            await TraceExistence.LockAsync(session, traceId).ConfigureAwait(false);
            if (await FindAsync(session, traceId, assessmentId).ConfigureAwait(false) is { } assessment)
            {
                await PostgresAssessmentWriter.DeleteAsync(session, assessment).ConfigureAwait(false);
            }

            return true;
        },
        isIdempotent: true,
        cancellationToken);

    private static async Task<AssessmentRecord?> FindAsync(PostgresSession session, string traceId, string assessmentId) =>
        (await session.QueryAsync(SelectOneSql, row => AssessmentRows.Read(row.TextOrNull, row.Int64), traceId, assessmentId).ConfigureAwait(false)).SingleOrDefault();
}
