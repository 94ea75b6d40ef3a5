using System.Text.Json;
using MLflow.Server.Assessments;

namespace MLflow.Server.Storage.Sql;

/// <summary>Reads rows of <c>assessments</c>.</summary>
internal static class AssessmentRows
{
    /// <summary>The columns in the order in which <see cref="Read"/> takes them.</summary>
    public const string Columns =
        "assessment_id, trace_id, span_id, name, type, value, is_serialized, error, source_type, source_id, rationale, metadata, create_time_ms, last_update_time_ms, overrides, is_valid";

    public const string SelectOneSql = $"SELECT {Columns} FROM assessments WHERE trace_id = ?1 AND assessment_id = ?2";

    /// <param name="text">Reads a column of text, or null.</param>
    /// <param name="integer">Reads a column of integers.</param>
    public static AssessmentRecord Read(Func<int, string?> text, Func<int, long> integer) => new()
    {
        AssessmentId = text(0)!,
        TraceId = text(1)!,
        SpanId = text(2),
        Name = text(3)!,
        Type = ColumnText.Assessment(text(4)!),
        Value = text(5)!,
        IsSerialized = integer(6) != 0,
        Error = text(7),
        SourceType = text(8)!,
        SourceId = text(9),
        Rationale = text(10),
        Metadata = JsonSerializer.Deserialize<Dictionary<string, string>>(text(11)!)!,
        CreateTimeMs = integer(12),
        LastUpdateTimeMs = integer(13),
        Overrides = text(14),
        IsValid = integer(15) != 0,
    };
}
