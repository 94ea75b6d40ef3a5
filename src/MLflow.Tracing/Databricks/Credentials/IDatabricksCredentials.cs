namespace MLflow;

/// <summary>What lets a request into a workspace.</summary>
internal interface IDatabricksCredentials
{
    /// <summary>Name of the method, as <c>DATABRICKS_AUTH_TYPE</c> has it.</summary>
    string Method { get; }

    /// <summary>Where they come from, for messages; no value.</summary>
    string Origin { get; }

    /// <summary>Puts them on a request, replacing what is there.</summary>
    /// <exception cref="ExportFailureException">There are none now.</exception>
    ValueTask AddAsync(HttpRequestMessage request, CancellationToken cancellationToken);

    /// <summary>The workspace did not accept what was put on this request.</summary>
    /// <returns>Whether others may be had by <see cref="AddAsync"/>.</returns>
    bool Refused(HttpRequestMessage request);
}
