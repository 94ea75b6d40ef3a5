namespace MLflow.Server.Access;

/// <summary>Who does something, for the audit log.</summary>
/// <param name="Name">A user's name; null for nobody known.</param>
/// <param name="Address">From where; null for the command line.</param>
internal sealed record Actor(string? Name, string? Address)
{
    /// <summary>The server by itself.</summary>
    public static Actor Server { get; } = new("server", null);

    /// <summary>Whoever can write the database file.</summary>
    public static Actor CommandLine { get; } = new($"command line ({Environment.UserName})", null);
}
