namespace MLflow;

/// <summary>What a name says about its value.</summary>
internal enum SecretKind : byte
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>It is a password or the like: any text may be one.</summary>
    Password,

    /// <summary>It is a key, long and with digits.</summary>
    Key,

    /// <summary>It is the value of a header with credentials: a scheme and more.</summary>
    Authorization,

    /// <summary>It is a list of <c>name=value</c>.</summary>
    Cookie,
}
