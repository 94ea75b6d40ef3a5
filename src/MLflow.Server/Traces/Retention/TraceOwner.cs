namespace MLflow.Server.Traces.Retention;

/// <summary>Whose traces are meant: those of a user, or those of a session.</summary>
/// <param name="IsUser">Whether it is a user.</param>
/// <param name="Id">The user or the session, as the traces name it.</param>
internal sealed record TraceOwner(bool IsUser, string Id)
{
    public override string ToString() => $"{(IsUser ? "user" : "session")} {Id}";
}
