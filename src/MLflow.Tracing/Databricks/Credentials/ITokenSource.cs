namespace MLflow;

/// <summary>Where tokens come from that expire.</summary>
internal interface ITokenSource
{
    /// <summary>For messages; no value.</summary>
    string Origin { get; }

    /// <exception cref="ExportFailureException">There is none now.</exception>
    Task<AccessToken> FetchAsync(CancellationToken cancellationToken);
}
