using System.Globalization;
using System.Text.Json;
using MLflow.Server.Assessments;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Puts assessments into the writer's transaction.</summary>
internal static class SqliteAssessmentWriter
{
    private const string InsertSql = """
        INSERT INTO assessments (assessment_id, trace_id, span_id, name, type, value, value_text, value_number, is_serialized, error,
            source_type, source_id, rationale, metadata, create_time_ms, last_update_time_ms, overrides, is_valid)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
        ON CONFLICT (assessment_id) DO NOTHING
        """;

    private const string UpdateSql = """
        UPDATE assessments SET name = ?4, value = ?6, value_text = ?7, value_number = ?8, is_serialized = ?9, error = ?10, rationale = ?13, metadata = ?14,
            last_update_time_ms = ?16, is_valid = ?18
        WHERE trace_id = ?2 AND assessment_id = ?1
        """;

    private const string SetValidSql = "UPDATE assessments SET is_valid = ?3 WHERE trace_id = ?1 AND assessment_id = ?2";

    private const string RelinkSql = "UPDATE assessments SET overrides = ?3 WHERE trace_id = ?1 AND overrides = ?2";

    private const string DeleteSql = "DELETE FROM assessments WHERE trace_id = ?1 AND assessment_id = ?2";

    /// <returns>False when the assessment that it overrides is not there; it is stored all the same.</returns>
    public static bool Insert(SqliteWriteSession session, AssessmentRecord assessment)
    {
        var written = Bind(session[InsertSql], assessment).Execute();
        return written == 0 || assessment.Overrides is null || SetValid(session, assessment.TraceId, assessment.Overrides, false);
    }

    public static void Update(SqliteWriteSession session, AssessmentRecord assessment) => Bind(session[UpdateSql], assessment).Execute();

    /// <summary>Takes one out of its history: what it overrides is valid again, unless a later one overrides that now.</summary>
    public static void Delete(SqliteWriteSession session, AssessmentRecord assessment)
    {
        session[DeleteSql].Bind(1, assessment.TraceId).Bind(2, assessment.AssessmentId).Execute();
        var later = session[RelinkSql].Bind(1, assessment.TraceId).Bind(2, assessment.AssessmentId).Bind(3, assessment.Overrides).Execute();
        if (later == 0 && assessment.Overrides is not null)
        {
            SetValid(session, assessment.TraceId, assessment.Overrides, true);
        }
    }

    /// <summary>The parameters, the same in both statements.</summary>
    private static SqliteStatement Bind(SqliteStatement statement, AssessmentRecord assessment) =>
        statement
            .Bind(1, assessment.AssessmentId)
            .Bind(2, assessment.TraceId)
            .Bind(3, assessment.SpanId)
            .Bind(4, assessment.Name)
            .Bind(5, ColumnText.Of(assessment.Type))
            .Bind(6, assessment.Value)
            .Bind(7, StoredJson.String(assessment.Value))
            .Bind(8, Number(assessment.Value))
            .Bind(9, assessment.IsSerialized ? 1 : 0)
            .Bind(10, assessment.Error)
            .Bind(11, assessment.SourceType)
            .Bind(12, assessment.SourceId)
            .Bind(13, assessment.Rationale)
            .Bind(14, JsonSerializer.Serialize(assessment.Metadata))
            .Bind(15, assessment.CreateTimeMs)
            .Bind(16, assessment.LastUpdateTimeMs)
            .Bind(17, assessment.Overrides)
            .Bind(18, assessment.IsValid ? 1 : 0);

    private static bool SetValid(SqliteWriteSession session, string traceId, string assessmentId, bool isValid) =>
        session[SetValidSql].Bind(1, traceId).Bind(2, assessmentId).Bind(3, isValid ? 1 : 0).Execute() == 1;

    private static double? Number(string json) =>
        double.TryParse(json, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;
}
