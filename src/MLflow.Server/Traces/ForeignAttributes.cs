namespace MLflow.Server.Traces;

/// <summary>Attribute names of OpenTelemetry's semantic conventions (1.37) that say something about a whole trace.</summary>
internal static class ForeignAttributes
{
    public const string SessionId = "session.id";
    public const string UserId = "user.id";
}
