using System.Globalization;
using System.Text.Json;
using MLflow.Server.Assessments;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Puts assessments into a transaction that has locked their trace.</summary>
internal static class PostgresAssessmentWriter
{
    private const string InsertSql = """
        INSERT INTO assessments (assessment_id, trace_id, span_id, name, type, value, value_text, value_number, is_serialized, error,
            source_type, source_id, rationale, metadata, create_time_ms, last_update_time_ms, overrides, is_valid, session, arrival)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
        ON CONFLICT (trace_id, assessment_id) DO NOTHING
        """;

    private const string UpdateSql = """
        UPDATE assessments SET name = $3, value = $4, value_text = $5, value_number = $6, is_serialized = $7, error = $8, rationale = $9, metadata = $10,
            last_update_time_ms = $11, is_valid = $12, session = $13
        WHERE trace_id = $1 AND assessment_id = $2
        """;

    private const string SetValidSql = "UPDATE assessments SET is_valid = $3 WHERE trace_id = $1 AND assessment_id = $2";

    private const string RelinkSql = "UPDATE assessments SET overrides = $3 WHERE trace_id = $1 AND overrides = $2";

    private const string DeleteSql = "DELETE FROM assessments WHERE trace_id = $1 AND assessment_id = $2";

    /// <returns>False when the assessment that it overrides is not there; it is stored all the same.</returns>
    public static async Task<bool> InsertAsync(PostgresSession session, AssessmentRecord assessment)
    {
        var written = await session.ExecuteAsync(
            InsertSql,
            assessment.AssessmentId,
            assessment.TraceId,
            assessment.SpanId,
            assessment.Name,
            ColumnText.Of(assessment.Type),
            assessment.Value,
            StoredJson.String(assessment.Value),
            Number(assessment.Value),
            assessment.IsSerialized ? 1 : 0,
            assessment.Error,
            assessment.SourceType,
            assessment.SourceId,
            assessment.Rationale,
            JsonSerializer.Serialize(assessment.Metadata),
            assessment.CreateTimeMs,
            assessment.LastUpdateTimeMs,
            assessment.Overrides,
            assessment.IsValid ? 1 : 0,
            Session(assessment),
            session.Arrivals.Next()).ConfigureAwait(false);
        return written == 0 || assessment.Overrides is null || await SetValidAsync(session, assessment.TraceId, assessment.Overrides, false).ConfigureAwait(false);
    }

    public static Task<int> UpdateAsync(PostgresSession session, AssessmentRecord assessment) => session.ExecuteAsync(
        UpdateSql,
        assessment.TraceId,
        assessment.AssessmentId,
        assessment.Name,
        assessment.Value,
        StoredJson.String(assessment.Value),
        Number(assessment.Value),
        assessment.IsSerialized ? 1 : 0,
        assessment.Error,
        assessment.Rationale,
        JsonSerializer.Serialize(assessment.Metadata),
        assessment.LastUpdateTimeMs,
        assessment.IsValid ? 1 : 0,
        Session(assessment));

    /// <summary>Takes one out of its history: what it overrides is valid again, unless a later one overrides that now.</summary>
    public static async Task DeleteAsync(PostgresSession session, AssessmentRecord assessment)
    {
        await session.ExecuteAsync(DeleteSql, assessment.TraceId, assessment.AssessmentId).ConfigureAwait(false);
        var later = await session.ExecuteAsync(RelinkSql, assessment.TraceId, assessment.AssessmentId, assessment.Overrides).ConfigureAwait(false);
        if (later == 0 && assessment.Overrides is not null)
        {
            await SetValidAsync(session, assessment.TraceId, assessment.Overrides, true).ConfigureAwait(false);
        }
    }

    private static async Task<bool> SetValidAsync(PostgresSession session, string traceId, string assessmentId, bool isValid) =>
        await session.ExecuteAsync(SetValidSql, traceId, assessmentId, isValid ? 1 : 0).ConfigureAwait(false) == 1;

    private static string? Session(AssessmentRecord assessment) => assessment.Metadata.GetValueOrDefault(TraceKeys.Session);

    private static double? Number(string json) =>
        double.TryParse(json, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;
}
