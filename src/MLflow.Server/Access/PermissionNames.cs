namespace MLflow.Server.Access;

/// <summary>Permissions as MLflow's REST API writes them.</summary>
internal static class PermissionNames
{
    private const string None = "NO_PERMISSIONS";

    public static string Wire(this Permission permission) => permission == Permission.None ? None : permission.ToString().ToUpperInvariant();

    /// <summary>Reads the names of the REST API, and <c>none</c>.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: another name.</exception>
    public static Permission Parse(string text) => text.ToUpperInvariant() switch
    {
        None or "NONE" => Permission.None,
        "READ" => Permission.Read,
        "EDIT" => Permission.Edit,
        "MANAGE" => Permission.Manage,
        _ => throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid permission '{text}'. Valid permissions are: READ, EDIT, MANAGE, {None}."),
    };
}
