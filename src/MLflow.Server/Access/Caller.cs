namespace MLflow.Server.Access;

/// <summary>Who asks, and what they may do: what their user may, as far as what they signed in with is for it.</summary>
internal sealed class Caller
{
    private const ExperimentRights AllRights = ExperimentRights.Ingest | ExperimentRights.Read | ExperimentRights.Edit | ExperimentRights.Manage;

    private readonly User? _user;
    private readonly TokenScope _scope;
    private readonly HashSet<long>? _experiments;

    private Caller(User? user, TokenScope scope, IEnumerable<long>? experiments)
    {
        _user = user;
        _scope = scope;
        _experiments = experiments?.ToHashSet();
    }

    /// <summary>Anybody, on a server that asks nobody to sign in.</summary>
    public static Caller Everyone { get; } = new(null, TokenScope.Admin, null);

    /// <summary>The server itself, in the background.</summary>
    public static Caller Server { get; } = new(null, TokenScope.Admin, null);

    /// <summary>Null for <see cref="Everyone"/> and <see cref="Server"/>.</summary>
    public User? User => _user;

    /// <summary>Whether they may manage users, and do everything else; no experiment is closed to them.</summary>
    public bool IsAdministrator => _scope == TokenScope.Admin && _experiments is null && _user is null or { IsAdmin: true };

    /// <summary>Whether what they signed in with is for creating experiments; every user may, as in MLflow.</summary>
    public bool MayCreateExperiments => Has(TokenScope.Write) && _experiments is null;

    /// <summary>False for a token that is for some experiments only.</summary>
    public bool HasAllExperiments => _experiments is null;

    /// <summary>The only experiment that a token is for; null for several, and where there is no token.</summary>
    public long? OnlyExperiment => _experiments?.Count == 1 ? _experiments.First() : null;

    public static Caller Of(User user) => new(user, TokenScope.Admin, null);

    public static Caller Of(User user, ApiToken token) => new(user, token.Scope, token.Experiments);

    /// <summary>Whether what they signed in with is for this.</summary>
    public bool Has(TokenScope scope) => scope switch
    {
        TokenScope.Ingest => _scope != TokenScope.Read,
        TokenScope.Read => _scope != TokenScope.Ingest,
        TokenScope.Write => _scope is TokenScope.Write or TokenScope.Admin,
        _ => _scope == TokenScope.Admin,
    };

    public ExperimentRights RightsTo(long experimentId) =>
        _experiments?.Contains(experimentId) == false ? ExperimentRights.None
        : RightsOf(_scope) & RightsOf(_user is null ? Permission.Manage : _user.PermissionOf(experimentId));

    /// <summary>Whether they have one of the rights at least.</summary>
    public bool May(ExperimentRights anyOf, long experimentId) => (RightsTo(experimentId) & anyOf) != 0;

    /// <exception cref="MlflowException">PERMISSION_DENIED: they have none of the rights.</exception>
    public void Require(ExperimentRights anyOf, long experimentId)
    {
        if (!May(anyOf, experimentId))
        {
            throw new MlflowException(ErrorCode.PERMISSION_DENIED, $"Permission denied: {Name} may not {Describe(anyOf)} experiment {experimentId}. {Way(experimentId)}");
        }
    }

    /// <summary>The experiments that they may read: all but some, or some.</summary>
    public ExperimentSet Readable()
    {
        if (_experiments is { } experiments)
        {
            return new ExperimentSet(false, [.. experiments.Where(id => May(ExperimentRights.Read, id))]);
        }

        var byDefault = (RightsOf(_scope) & RightsOf(_user is null or { IsAdmin: true } ? Permission.Manage : _user.DefaultPermission) & ExperimentRights.Read) != 0;
        var others = _user is null or { IsAdmin: true } ? [] : _user.Permissions.Keys.Where(id => May(ExperimentRights.Read, id) != byDefault);
        return new ExperimentSet(byDefault, [.. others]);
    }

    private string Name => _user is null ? "this caller" : $"user '{_user.Name}'";

    // What to change: the token where the user may, else the user's permission.
    private string Way(long experimentId) =>
        _user is not null && RightsOf(_user.PermissionOf(experimentId)) != RightsTo(experimentId) ? "The token is not for it; use another one."
        : "Ask somebody who manages it, or an administrator, for the permission.";

    private static ExperimentRights RightsOf(Permission permission) => permission switch
    {
        Permission.None => ExperimentRights.None,
        Permission.Read => ExperimentRights.Read,
        Permission.Edit => ExperimentRights.Ingest | ExperimentRights.Read | ExperimentRights.Edit,
        _ => AllRights,
    };

    private static ExperimentRights RightsOf(TokenScope scope) => scope switch
    {
        TokenScope.Ingest => ExperimentRights.Ingest,
        TokenScope.Read => ExperimentRights.Read,
        TokenScope.Write => ExperimentRights.Ingest | ExperimentRights.Read | ExperimentRights.Edit,
        _ => AllRights,
    };

    private static string Describe(ExperimentRights rights) =>
        rights.HasFlag(ExperimentRights.Read) ? "read"
        : rights.HasFlag(ExperimentRights.Ingest) ? "send traces to"
        : rights.HasFlag(ExperimentRights.Edit) ? "edit"
        : "manage";
}
