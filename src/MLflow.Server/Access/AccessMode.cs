namespace MLflow.Server.Access;

/// <summary>Who has to sign in.</summary>
internal enum AccessMode
{
    /// <summary>Everybody as soon as there is a user; until then nobody.</summary>
    WhenUsersExist,

    /// <summary>Everybody from the beginning.</summary>
    Always,

    /// <summary>Nobody.</summary>
    Never,
}
