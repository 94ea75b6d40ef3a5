using System.Net.Http.Headers;

namespace MLflow;

/// <summary>Credentials that never change: a personal token, or user and password.</summary>
internal sealed class StaticCredentials(string method, string origin, AuthenticationHeaderValue header) : IDatabricksCredentials
{
    public string Method => method;

    public string Origin => origin;

    public ValueTask AddAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        request.Headers.Authorization = header;
        return ValueTask.CompletedTask;
    }

    public bool Refused(HttpRequestMessage request) => false;

    public override string ToString() => method;
}
