namespace MLflow.Server.Access;

/// <summary>What the audit log tells of.</summary>
internal static class AuditAction
{
    public const string Login = "login";
    public const string Logout = "logout";
    public const string CreateUser = "user.create";
    public const string ChangeUser = "user.change";
    public const string DeleteUser = "user.delete";
    public const string ChangePassword = "user.password";
    public const string ChangePermission = "permission.change";
    public const string CreateToken = "token.create";
    public const string RevokeToken = "token.revoke";
    public const string DeleteTraces = "traces.delete";
    public const string ExpireTraces = "traces.expire";
    public const string ArchiveTraces = "traces.archive";
    public const string DeleteExperiment = "experiment.delete";
    public const string CreateSecret = "secret.create";
    public const string ChangeSecret = "secret.change";
    public const string DeleteSecret = "secret.delete";
    public const string RotateSecrets = "secret.rotate";
    public const string ChangeGateway = "gateway.change";
    public const string ChangePrices = "prices.change";
    public const string Access = "access";
}
