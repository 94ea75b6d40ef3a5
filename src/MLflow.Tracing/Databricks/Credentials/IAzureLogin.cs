namespace MLflow;

/// <summary>How a program shows Azure who it is.</summary>
internal interface IAzureLogin
{
    /// <summary>For messages; no value.</summary>
    string Origin { get; }

    /// <param name="resource">What the token is for.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ExportFailureException">There is none now.</exception>
    Task<AccessToken> FetchAsync(string resource, CancellationToken cancellationToken);
}
