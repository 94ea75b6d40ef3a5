namespace MLflow.Server.Ui.Sessions;

/// <summary>The address of a session, and the filter that finds its traces.</summary>
public static class SessionUrl
{
    public static string To(long experimentId, string sessionId) => $"experiments/{experimentId}/session?id={Uri.EscapeDataString(sessionId)}";

    /// <summary>Null where no quotes are left for the id.</summary>
    public static string? Filter(string sessionId) => !sessionId.Contains('\'', StringComparison.Ordinal) ? $"metadata.`{TraceKeys.Session}` = '{sessionId}'"
        : !sessionId.Contains('"', StringComparison.Ordinal) ? $"metadata.`{TraceKeys.Session}` = \"{sessionId}\"" : null;
}
