namespace MLflow.Server.Access;

/// <summary>How what the audit log tells of ended.</summary>
internal static class AuditResult
{
    public const string Done = "done";
    public const string Failed = "failed";
    public const string Refused = "refused";
    public const string Limited = "limited";
}
